-- When nothing runs, nobody holds a lease.
SELECT resource || ' is held by ' || holder AS breach
FROM lease
WHERE holder IS NOT NULL
