-- The rows that break the rules that are known to be broken: found in one pass over the batch, then told about one by one.
-- Grain of both tables: one row per rule and row.
create temporary table {{ broken }} as
with found as (
    select
        {%- for rule in rules %}
        array_agg(_row) filter (where {{ rule.condition }}) as rows_{{ rule.position }}{{ "," if not loop.last }}
        {%- endfor %}
    from {{ staged }} as staged
)
{%- for rule in rules %}
select unnest(rows_{{ rule.position }}) as _row, cast({{ rule.position }} as bigint) as position from found
{%- if not loop.last %}
union all{% endif %}
{%- endfor %};

insert into {{ failed }} (_row, position, check_name, reason, value)
select broken._row, broken.position,
    case broken.position
        {%- for rule in rules %} when {{ rule.position }} then {{ rule.check_name }}{% endfor %} end,
    case broken.position
        {%- for rule in rules %} when {{ rule.position }} then {{ rule.reason }}{% endfor %} end,
    case broken.position
        {%- for rule in rules %} when {{ rule.position }} then {{ rule.value }}{% endfor %} end
from {{ broken }} as broken
join {{ found }} as staged on staged._row = broken._row
