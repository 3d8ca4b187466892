-- One row per ad click id and the client id that carried it, with the first time it was seen there.
SELECT kind, click_id, client_id, min(started_at) AS first_seen_at
FROM (
    SELECT 'gclid' AS kind, gclid AS click_id, client_id, started_at FROM core.visit WHERE gclid <> ''
    UNION ALL
    SELECT 'yclid', yclid, client_id, started_at FROM core.visit WHERE yclid <> ''
) AS clicked
WHERE client_id IS NOT NULL AND client_id <> ''
GROUP BY kind, click_id, client_id
