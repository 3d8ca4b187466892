-- Every quarantined row of this batch with all its reasons, the weightiest first, and the row as it was landed. A row that
-- is too large to keep twice is kept as its length, hash and head; landing has the rest.
insert into ops.quarantine
    (batch_id, row_number, entity, source, stream, natural_key, reason, check_name, value, reasons, raw, status)
with told as (
    select _row,
        min(position) as position,
        '[' || string_agg({{ reason_json }}, ',' order by position) || ']' as reasons
    from {{ failed }} group by _row
),
landed as (
{% include '_landed_raw.sql' %}
)
select {{ batch_id }}, told._row, '{{ entity }}', {{ source }}, {{ stream }}, landed._key,
    first.reason, first.check_name, first.value, told.reasons,
    case when length(landed.raw) <= {{ raw_limit }} then landed.raw else {{ raw_head_json }} end,
    'quarantined'
from told
join landed on landed._row = told._row
join {{ failed }} as first on first._row = told._row and first.position = told.position
where not exists (
    select 1 from ops.quarantine as known where known.batch_id = {{ batch_id }} and known.row_number = told._row
)
{%- if was_quarantined %};

-- Rows of an earlier quarantine that passed this time.
update ops.quarantine set status = 'released', released_batch_id = {{ batch_id }}
where batch_id = {{ batch_id }} and status = 'quarantined'
    and row_number in (select _row from {{ judged }} where outcome <> 'quarantined')
{%- endif %}
