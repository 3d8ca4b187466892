-- Every batch counted again from what is stored: the landed rows, the quarantine, the evidence of folds.
select batch.batch_id, batch.status, batch.row_count, outcome.landed as recorded_landed,
    outcome.new + outcome.changed + outcome.unchanged + outcome.deduplicated + outcome.quarantined
        + outcome.suppressed as recorded_sum,
    outcome.deduplicated as recorded_deduplicated, outcome.quarantined as recorded_quarantined,
    coalesce(landing.rows, 0) as landed, coalesce(duplicate.rows, 0) as deduplicated,
    coalesce(quarantine.rows, 0) as quarantined
from ops.batch as batch
left join ops.batch_outcome as outcome on outcome.batch_id = batch.batch_id
left join (
    {%- for table in landing %}
    select _batch_id as batch_id, count(distinct _row) as rows from {{ table }} group by _batch_id
    {%- if not loop.last %}
    union all{% endif %}
    {%- else %}
    select cast(null as text) as batch_id, 0 as rows
    {%- endfor %}
) as landing on landing.batch_id = batch.batch_id
left join (
    select batch_id, count(*) as rows from ops.duplicate where folded_by_batch_id = batch_id group by batch_id
) as duplicate on duplicate.batch_id = batch.batch_id
left join (
    select batch_id, count(*) as rows from ops.quarantine where status = 'quarantined' group by batch_id
) as quarantine on quarantine.batch_id = batch.batch_id
order by batch.sequence
