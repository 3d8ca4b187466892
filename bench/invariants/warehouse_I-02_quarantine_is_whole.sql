-- A row that is kept out has its raw form, its reason and its batch.
SELECT batch_id || ' row ' || row_number AS breach
FROM ops.quarantine
WHERE coalesce(raw, '') = '' OR coalesce(reason, '') = '' OR batch_id NOT IN (SELECT batch_id FROM ops.batch)
