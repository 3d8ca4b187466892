-- What was heard in the week, and how much of it nobody understood. Grain: one row.
SELECT
    count(*) AS text_count,
    count(CASE WHEN status = 'unclear' THEN 1 END) AS unclear_count
FROM marts.text_label
WHERE occurred_at >= :starts_at AND occurred_at < :ends_at
