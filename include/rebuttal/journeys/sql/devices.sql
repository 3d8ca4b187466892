-- One row per client id of the analytics tools, with the first time it was seen.
SELECT client_id, min(seen_at) AS first_seen_at
FROM (
    SELECT client_id, started_at AS seen_at FROM core.visit
    UNION ALL
    SELECT client_id, occurred_at FROM core.hit
) AS seen
WHERE client_id IS NOT NULL AND client_id <> ''
GROUP BY client_id
