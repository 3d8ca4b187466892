-- Where each row of a held batch ends once a later answer of the vendor stands in its place. Nothing of it is merged.
-- Grain: one row per landed row of the batch.
--   unchanged    a later admitted batch tells of its key, or another one told exactly the same
--   quarantined  nobody else has told of it: kept, never merged, never forgotten
create {{ scratch }} {{ judged }} as
with told as (
    select landed._key, landed._row_hash, batch.sequence
    from {{ landing }} as landed
    join ops.batch as batch on batch.batch_id = landed._batch_id
    left join ops.quarantine as quarantine
        on quarantine.batch_id = landed._batch_id and quarantine.row_number = landed._row
            and quarantine.status = 'quarantined'
    where batch.source = {{ source }} and batch.stream = {{ stream }} and batch.account_id = {{ account_id }}
        and batch.status = 'admitted' and quarantine.batch_id is null
)
select staged._row,
    case
        when {{ suppressed }} then 'suppressed'
{%- if not is_final %}
        when staged._key in (select _key from told where sequence > {{ sequence }}) then 'unchanged'
        when exists (select 1 from told where told._key = staged._key and told._row_hash = staged.row_hash) then 'unchanged'
{%- endif %}
        else 'quarantined'
    end as outcome
from {{ staged }} as staged;

insert into ops.quarantine
    (batch_id, row_number, entity, source, stream, natural_key, reason, check_name, value, reasons, raw, status)
with landed as (
    select _row, _key, {{ row_json }} as raw
    from (
        select distinct on (_row) * from {{ landing }}
        where _batch_id = {{ batch_id }} and _row in (select _row from {{ judged }} where outcome = 'quarantined')
        order by _row
    ) as landed
),
told as (select {{ reason }} as reason, {{ check_name }} as check_name, cast(null as text) as value)
select {{ batch_id }}, landed._row, '{{ entity }}', {{ source }}, {{ stream }}, landed._key,
    told.reason, told.check_name, told.value, '[' || {{ reason_json }} || ']', landed.raw, 'quarantined'
from landed cross join told
