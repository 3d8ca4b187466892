DELETE FROM core.identity_batch AS past
WHERE EXISTS (
    SELECT 1 FROM identity_batch_other AS other WHERE other.entity = past.entity AND other.batch_id = past.batch_id
);
INSERT INTO core.identity_batch (entity, batch_id, row_count, checksum)
SELECT entity, batch_id, row_count, checksum FROM identity_batch_now AS now
WHERE NOT EXISTS (
    SELECT 1 FROM core.identity_batch AS past WHERE past.entity = now.entity AND past.batch_id = now.batch_id
)
