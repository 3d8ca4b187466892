-- Which batches core is made of, and which of them are new. Of visits and hits also what they say, added up by batch.
CREATE TEMPORARY TABLE identity_batch_now AS
SELECT 'visit' AS entity, batch_id, count(*) AS row_count, sum({visit}) AS checksum FROM core.visit GROUP BY batch_id
UNION ALL
SELECT 'hit', batch_id, count(*), sum({hit}) FROM core.hit GROUP BY batch_id
UNION ALL
SELECT 'record', batch_id, 0, 0 FROM (SELECT batch_id FROM core.contact UNION SELECT batch_id FROM core.booking) AS made;
CREATE TEMPORARY TABLE identity_batch_new AS
SELECT now.entity, now.batch_id FROM identity_batch_now AS now
WHERE NOT EXISTS (
    SELECT 1 FROM core.identity_batch AS past WHERE past.entity = now.entity AND past.batch_id = now.batch_id
);
-- Known batches that are not as they were.
CREATE TEMPORARY TABLE identity_batch_other AS
SELECT past.entity, past.batch_id FROM core.identity_batch AS past
LEFT JOIN identity_batch_now AS now ON now.entity = past.entity AND now.batch_id = past.batch_id
WHERE now.batch_id IS NULL OR now.row_count <> past.row_count OR now.checksum <> past.checksum
