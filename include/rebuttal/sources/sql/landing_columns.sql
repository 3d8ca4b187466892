-- The columns that a landing table has; none when it is not there.
SELECT column_name
FROM information_schema.columns
WHERE table_catalog = current_database() AND table_schema = 'landing' AND table_name = :table
