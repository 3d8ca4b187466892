-- One row per batch: what it landed and where those rows ended, as recorded when it was merged.
select batch.source, batch.stream, batch.batch_id, batch.account_id, batch.entity, batch.kind, batch.status,
    batch.status_reason, batch.row_count as landed,
    coalesce(outcome.new, 0) as new,
    coalesce(outcome.changed, 0) as changed,
    coalesce(outcome.unchanged, 0) as unchanged,
    coalesce(outcome.deduplicated, 0) as deduplicated,
    coalesce(outcome.quarantined, 0) as quarantined,
    coalesce(outcome.suppressed, 0) as suppressed
from ops.batch as batch
left join ops.batch_outcome as outcome on outcome.batch_id = batch.batch_id
order by batch.sequence, batch.batch_id
