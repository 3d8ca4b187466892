-- The same of new batches only, where the others are as they were: what was known of these devices and clicks counts too.
CREATE TEMPORARY TABLE identity_web AS
WITH seen AS (
    SELECT kind, click_id, client_id, min(seen_at) AS seen_at
    FROM (
        SELECT 'client_id' AS kind, '' AS click_id, client_id, started_at AS seen_at FROM core.visit
        WHERE batch_id IN (SELECT batch_id FROM identity_batch_new WHERE entity = 'visit')
        UNION ALL
        SELECT 'client_id', '', client_id, occurred_at FROM core.hit
        WHERE batch_id IN (SELECT batch_id FROM identity_batch_new WHERE entity = 'hit')
        UNION ALL
        SELECT 'gclid', gclid, client_id, started_at FROM core.visit
        WHERE gclid <> '' AND batch_id IN (SELECT batch_id FROM identity_batch_new WHERE entity = 'visit')
        UNION ALL
        SELECT 'yclid', yclid, client_id, started_at FROM core.visit
        WHERE yclid <> '' AND batch_id IN (SELECT batch_id FROM identity_batch_new WHERE entity = 'visit')
    ) AS told
    WHERE client_id <> ''
    GROUP BY kind, click_id, client_id
)
SELECT seen.kind, seen.click_id, seen.client_id, least(seen.seen_at, past.seen_at) AS seen_at
FROM seen
LEFT JOIN core.identity_record AS past ON past.kind IN (5, 6, 7) AND past.record_key = CASE seen.kind
    WHEN 'client_id' THEN {device} ELSE {click} END
