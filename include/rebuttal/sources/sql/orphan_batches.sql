-- Batch ids whose rows were landed by a pull that died before it wrote its ops.batch row.
SELECT DISTINCT l._batch_id
FROM landing."{table}" AS l
WHERE NOT EXISTS (SELECT 1 FROM ops.batch AS b WHERE b.batch_id = l._batch_id)
