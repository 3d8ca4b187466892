-- Where each row of a held batch ends once a later answer of the vendor stands in its place. Nothing of it is merged.
-- Grain: one row per landed row of the batch.
--   unchanged    a later admitted batch tells of its key, or another one told exactly the same
--   quarantined  nobody else has told of it: kept, never merged, never forgotten
create {{ scratch }} {{ judged }} as
with told as (
    select landed._key, landed._row_hash, batch.sequence
    {% include '_admitted_rows.sql' %}
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
{% include '_landed_raw.sql' %}
),
told as (select {{ reason }} as reason, {{ check_name }} as check_name, cast(null as text) as value)
select {{ batch_id }}, landed._row, '{{ entity }}', {{ source }}, {{ stream }}, landed._key,
    told.reason, told.check_name, told.value, '[' || {{ reason_json }} || ']', landed.raw, 'quarantined'
from landed cross join told
