-- Rows that were not admitted, of batches that reach into the week. Grain: one row.
SELECT coalesce(sum(outcome.quarantined), 0) AS row_count
FROM ops.batch_outcome AS outcome
INNER JOIN ops.batch AS batch ON outcome.batch_id = batch.batch_id
WHERE batch.window_to > :starts_at
