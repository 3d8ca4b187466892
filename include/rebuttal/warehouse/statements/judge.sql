-- Where every staged row ends: suppressed, quarantined, deduplicated (an older or equal row of the same key in this
-- batch), new, changed or unchanged. Grain: one row per landed row of the batch.
--   place   where the stored row of that key lies (for as long as the transaction lasts), was_copy: among the copies
--   _found  new | changed | unchanged, before copies of events are folded; NULL for rows that never reach the merge
-- Of core only keys, versions and hashes are read: what the vendor said is the same when its hash is.
create temporary table {{ judged }} as
with arrived as (
    select staged._row, {{ key_of("staged") }}, row_hash
        {%- if version %}, {{ version }}{% endif %}
        {%- if has_copies %}, {{ id }} as _id{% endif %}
        {%- if has_later %}, _key in (select _key from {{ later }}) as is_told_later{% endif %},
        case
            when {{ suppressed }} then 'suppressed'
            {%- if has_failed %} when failed._row is not null then 'quarantined'{% endif %}
        end as kept_out
    from {{ staged }} as staged
{%- if has_failed %}
    left join (select distinct _row from {{ failed }}) as failed on failed._row = staged._row
{%- endif %}
),
{%- if has_repeated %}
repeated as (
    select {{ key | join(", ") }} from arrived where kept_out is null
    group by {{ key | join(", ") }} having count(*) > 1
),
ranked as (
    select arrived._row,
        row_number() over (
            partition by {{ key_of("arrived") }}
            order by {% if version %}arrived.{{ version }} desc nulls last, {% endif -%}
                arrived.row_hash{{ collation }} desc, arrived._row
        ) as _rank
    from arrived join repeated on {{ same_key("arrived", "repeated") }}
    where kept_out is null
),
{%- endif %}
stored as (
    select {{ key_of("core") }}, core.row_hash
        {%- if version %}, core.{{ version }}{% endif %}, core.{{ place }} as place, false as is_copy
    from core.{{ entity }} as core
    where source = {{ source }} and account_id = {{ account_id }} and {{ within }}
{%- if has_copies %}
    union all
    select {{ key_of("copy") }}, copy.row_hash
        {%- if version %}, copy.{{ version }}{% endif %}, copy.{{ place }}, true
    from core.{{ entity }}_copy as copy
    where source = {{ source }} and account_id = {{ account_id }} and {{ within }}
{%- endif %}
),
met as (
    select arrived._row, {% if has_copies %}_id, {% endif %}kept_out, stored.place, stored.is_copy as was_copy,
        case
            when kept_out is not null then null
{%- if has_repeated %}
            when lost._row is not null then null
{%- endif %}
            when stored.place is null then 'new'
{%- if version %}
            when stored.{{ version }} > arrived.{{ version }} then 'unchanged'
            when arrived.{{ version }} is null and stored.{{ version }} is not null then 'unchanged'
{%- endif %}
{%- if has_later %}
            when {% if version %}stored.{{ version }} is not distinct from arrived.{{ version }} and {% endif -%}
                is_told_later then 'unchanged'
{%- endif %}
            when stored.row_hash = arrived.row_hash then 'unchanged'
            else 'changed'
        end as _found
    from arrived
{%- if has_repeated %}
    left join (select _row from ranked where _rank > 1) as lost on lost._row = arrived._row
{%- endif %}
    left join stored on {{ same_key("stored", "arrived") }}
)
select _row, {% if has_copies %}_id, {% endif %}_found, coalesce(kept_out, _found, 'deduplicated') as outcome,
    case when _found is not null then place end as place,
    case when _found is not null then was_copy end as was_copy
from met
