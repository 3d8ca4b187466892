-- One entity as a whole. Grain: one row.
--   repeated   keys that core and its folded copies hold more than once
--   strangers  rows whose batch does not exist, was not admitted, or is of another source, account or entity
--   surplus    (entities without copies) accounts in which core has not exactly the rows that were recorded as new
with rows as (
    {%- for table in core %}
    select {{ key | join(", ") }}, batch_id from {{ table }}
    {%- if not loop.last %}
    union all{% endif %}
    {%- endfor %}
),
repeated as (select 1 from rows group by {{ key | join(", ") }} having count(*) > 1),
strangers as (
    select 1
    from rows left join ops.batch as batch on batch.batch_id = rows.batch_id and batch.status = 'admitted'
        and batch.entity = '{{ entity }}' and batch.source = rows.source and batch.account_id = rows.account_id
    where batch.batch_id is null
),
stored as (select source, account_id, count(*) as rows from rows group by source, account_id),
recorded as (
    select batch.source, batch.account_id, sum(outcome.new) as rows
    from ops.batch as batch join ops.batch_outcome as outcome on outcome.batch_id = batch.batch_id
    where batch.entity = '{{ entity }}'
    group by batch.source, batch.account_id
),
surplus as (
    select 1
    from recorded full join stored on stored.source = recorded.source and stored.account_id = recorded.account_id
    where coalesce(stored.rows, 0) <> coalesce(recorded.rows, 0)
)
select
    (select count(*) from repeated) as repeated,
    (select count(*) from strangers) as strangers,
    {% if core | length > 1 %}0{% else %}(select count(*) from surplus){% endif %} as surplus
