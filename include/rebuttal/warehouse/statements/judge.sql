-- Every staged row with where it ends: suppressed, quarantined, deduplicated (an older or equal row of the same key in
-- this batch), new, changed or unchanged. Grain: one row per landed row of the batch.
--   _id     the natural key inside source and account, as text
--   _found  new | changed | unchanged, before copies of events are folded; NULL for rows that never reach the merge
create {{ scratch }} {{ judged }} as
with admissible as (
    select staged.*,
        {{ suppressed }} as is_suppressed,
        failed._row is not null as is_quarantined
    from {{ staged }} as staged
    left join (select distinct _row from {{ failed }}) as failed on failed._row = staged._row
),
ranked as (
    select admissible.*,
        row_number() over (
            partition by is_suppressed or is_quarantined, {{ key | join(", ") }}
            order by {% if version %}{{ version }} desc nulls last, {% endif %}row_hash{{ collation }} desc, _row
        ) as _rank
    from admissible
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
    select ranked.*,
        stored.is_copy as was_copy,
        case
            when ranked.is_suppressed or ranked.is_quarantined or ranked._rank > 1 then null
            when stored.batch_id is null then 'new'
{%- if version %}
            when stored.{{ version }} > ranked.{{ version }} then 'unchanged'
            when ranked.{{ version }} is null and stored.{{ version }} is not null then 'unchanged'
{%- endif %}
{%- if later %}
            when {% if version %}stored.{{ version }} is not distinct from ranked.{{ version }} and {% endif -%}
                ranked._key in (select _key from {{ later }}) then 'unchanged'
{%- endif %}
            when {% for column in columns %}{% if not loop.first %} and {% endif -%}
                stored.{{ column }} is not distinct from ranked.{{ column }}{% endfor %} then 'unchanged'
            else 'changed'
        end as _found
    from ranked
    left join stored on
        {%- for column in key %}{% if not loop.first %} and{% endif %} stored.{{ column }} = ranked.{{ column }}{% endfor %}
        and not ranked.is_suppressed and not ranked.is_quarantined and ranked._rank = 1
)
select met.*,
    {{ id }} as _id,
    case
        when is_suppressed then 'suppressed'
        when is_quarantined then 'quarantined'
        when _rank > 1 then 'deduplicated'
        else _found
    end as outcome
from met
