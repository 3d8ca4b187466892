-- One stream, landing against core, by batch: what cannot be found again where it should be. Grain: one row per batch of
-- which something is missing.
--   unreached  landed rows of an admitted batch, neither quarantined nor in core by their key (rows of erased people are
--              so by right: at most `suppressed`)
--   unfounded  rows of core (or folded copies) that say they were made of a row of this batch which is not in landing,
--              or which is in quarantine
with landed as (
    select distinct landed._batch_id as batch_id, landed._row as row_number, landed._key as landed_key,
        batch.account_id, batch.sequence
    from {{ landing }} as landed
    join ops.batch as batch on batch.batch_id = landed._batch_id and batch.status = 'admitted'
    left join ops.quarantine as quarantine
        on quarantine.batch_id = landed._batch_id and quarantine.row_number = landed._row
            and quarantine.status = 'quarantined'
    where quarantine.batch_id is null and landed._defect is distinct from 'erased'
),
written as (
    {%- for table in core %}
    select core.batch_id, core.row_number from {{ table }} as core
    join ops.batch as batch on batch.batch_id = core.batch_id
        and batch.source = '{{ source }}' and batch.stream = '{{ stream }}'
    {%- if not loop.last %}
    union all{% endif %}
    {%- endfor %}
),
reached as (
    select distinct landed.account_id, landed.landed_key
    from landed join written on written.batch_id = landed.batch_id and written.row_number = landed.row_number
),
unreached as (
    select landed.batch_id, count(*) as rows
    from landed left join reached on reached.account_id = landed.account_id and reached.landed_key = landed.landed_key
    where reached.landed_key is null
    group by landed.batch_id
),
-- Rows of erased people that landed whole and were kept out by the merge: those that are empty are not looked for at all.
kept_out as (
    select outcome.batch_id, greatest(outcome.suppressed - coalesce(emptied.rows, 0), 0) as rows
    from ops.batch_outcome as outcome
    left join (
        select _batch_id as batch_id, count(distinct _row) as rows from {{ landing }}
        where _defect = 'erased' group by _batch_id
    ) as emptied on emptied.batch_id = outcome.batch_id
),
unfounded as (
    select written.batch_id, count(*) as rows
    from written left join landed on landed.batch_id = written.batch_id and landed.row_number = written.row_number
    where landed.batch_id is null
    group by written.batch_id
)
select batch.batch_id, coalesce(unreached.rows, 0) as unreached, coalesce(unfounded.rows, 0) as unfounded,
    coalesce(kept_out.rows, 0) as suppressed
from ops.batch as batch
left join kept_out on kept_out.batch_id = batch.batch_id
left join unreached on unreached.batch_id = batch.batch_id
left join unfounded on unfounded.batch_id = batch.batch_id
where coalesce(unreached.rows, 0) > coalesce(kept_out.rows, 0) or unfounded.rows > 0
order by batch.sequence
