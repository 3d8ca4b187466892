-- Where every staged row ends: suppressed, quarantined, deduplicated (an older or equal row of the same key in this
-- batch), new, changed or unchanged. Grain: one row per landed row of the batch.
--   _id     the natural key inside source and account, as text
--   _found  new | changed | unchanged, before copies of events are folded; NULL for rows that never reach the merge
create {{ scratch }} {{ judged }} as
with marked as (
    select staged._row,
        {{ suppressed }} as is_suppressed,
        failed._row is not null as is_quarantined
    from {{ staged }} as staged
    left join (select distinct _row from {{ failed }}) as failed on failed._row = staged._row
),
ranked as (
    select staged._row,
        row_number() over (
            partition by {{ key | join(", ") }}
            order by {% if version %}{{ version }} desc nulls last, {% endif %}row_hash{{ collation }} desc, staged._row
        ) as _rank
    from {{ staged }} as staged
    join marked on marked._row = staged._row
    where not is_suppressed and not is_quarantined
),
winners as (
    select staged.* from {{ staged }} as staged join ranked on ranked._row = staged._row and ranked._rank = 1
),
stored as (
    select core.*, false as is_copy from core.{{ entity }} as core
    where source = {{ source }} and account_id = {{ account_id }}
{%- if has_copies %}
    union all
    select copy.*, true as is_copy from core.{{ entity }}_copy as copy
    where source = {{ source }} and account_id = {{ account_id }}
{%- endif %}
),
met as (
    select winners._row,
        stored.is_copy as was_copy,
        case
            when stored.batch_id is null then 'new'
{%- if version %}
            when stored.{{ version }} > winners.{{ version }} then 'unchanged'
            when winners.{{ version }} is null and stored.{{ version }} is not null then 'unchanged'
{%- endif %}
{%- if later %}
            when {% if version %}stored.{{ version }} is not distinct from winners.{{ version }} and {% endif -%}
                winners._key in (select _key from {{ later }}) then 'unchanged'
{%- endif %}
            when {% for column in columns %}{% if not loop.first %} and {% endif -%}
                stored.{{ column }} is not distinct from winners.{{ column }}{% endfor %} then 'unchanged'
            else 'changed'
        end as _found
    from winners
    left join stored on
        {%- for column in key %}{% if not loop.first %} and{% endif %} stored.{{ column }} = winners.{{ column }}{% endfor %}
)
select staged._row, staged._key, {{ id }} as _id, met.was_copy, met._found,
    case
        when marked.is_suppressed then 'suppressed'
        when marked.is_quarantined then 'quarantined'
        when met._row is null then 'deduplicated'
        else met._found
    end as outcome
from {{ staged }} as staged
join marked on marked._row = staged._row
left join met on met._row = staged._row
