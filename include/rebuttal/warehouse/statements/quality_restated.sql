{#- Grain: one row per batch, week (its Monday, by the account's days), currency and measure in which the batch changed what the vendor
had said before. Arithmetic: after - before is by how much the week's figure moved; row_count counts the rows that are different. #}
select
    batch.source, batch.account_id, batch.stream, batch.entity, told.batch_id, told.week_start, told.currency, told.measure,
    cast(sum(told.row_count) as bigint) as row_count, sum(told.before) as before, sum(told.after) as after, batch.landed_at
from ops.restatement as told
inner join ops.batch as batch on batch.batch_id = told.batch_id
group by
    batch.source, batch.account_id, batch.stream, batch.entity, told.batch_id, told.week_start, told.currency, told.measure,
    batch.landed_at
