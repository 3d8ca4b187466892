-- Visits that may have to be compared: of batches that differ, and of devices of persons who changed. Those batches
-- mostly lie together at the end: whole rows are read there only, one column everywhere.
SELECT batch.*
FROM core.visit AS batch
WHERE batch.batch_id IN (SELECT batch_id FROM touched_batch)
    AND batch.{place} BETWEEN (SELECT min({place}) FROM core.visit WHERE batch_id IN (SELECT batch_id FROM touched_batch))
    AND (SELECT max({place}) FROM core.visit WHERE batch_id IN (SELECT batch_id FROM touched_batch))
UNION ALL
SELECT device.*
FROM core.visit AS device
WHERE device.client_id IN (
    SELECT identifier FROM core.person_identifier
    WHERE identifier_kind = 'client_id' AND person_id IN (SELECT person_id FROM ops.person_change)
)
AND device.batch_id IN (SELECT batch_id FROM moved_batch)
