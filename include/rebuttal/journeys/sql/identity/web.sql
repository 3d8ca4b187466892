-- What the analytics tools saw, once for the whole update: devices, and ad clicks by the device that carried them.
--   kind  client_id (click_id is '') | gclid | yclid     seen_at  the first time
CREATE TEMPORARY TABLE identity_web AS
SELECT kind, click_id, client_id, min(seen_at) AS seen_at
FROM (
    SELECT 'client_id' AS kind, '' AS click_id, client_id, min(started_at) AS seen_at FROM core.visit GROUP BY client_id
    UNION ALL
    SELECT 'client_id', '', client_id, min(occurred_at) FROM core.hit GROUP BY client_id
    UNION ALL
    SELECT 'gclid', gclid, client_id, started_at FROM core.visit WHERE gclid <> ''
    UNION ALL
    SELECT 'yclid', yclid, client_id, started_at FROM core.visit WHERE yclid <> ''
) AS seen
WHERE client_id <> ''
GROUP BY kind, click_id, client_id
