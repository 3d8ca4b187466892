-- Batches that do not differ and have visits of devices of persons who changed.
SELECT DISTINCT batch_id
FROM core.visit
WHERE client_id IN (
    SELECT identifier FROM core.person_identifier
    WHERE identifier_kind = 'client_id' AND person_id IN (SELECT person_id FROM ops.person_change)
)
AND batch_id NOT IN (SELECT batch_id FROM touched_batch)
