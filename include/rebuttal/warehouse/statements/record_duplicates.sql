-- The evidence of every row of this batch that was a copy: of a better row with the same key, or of the same event.
insert into ops.duplicate
    (batch_id, row_number, entity, source, natural_key, survivor_key, kind, folded_by_batch_id)
select {{ batch_id }}, judged._row, '{{ entity }}', {{ source }},
{%- if folds %}
    case when _found is null then staged._key else judged._id end,
    case when _found is null then staged._key else folds._survivor end,
    case when _found is null then 'same_key' else '{{ kind }}' end,
{%- else %}
    staged._key, staged._key, 'same_key',
{%- endif %}
    {{ batch_id }}
from {{ judged }} as judged
join {{ staged }} as staged on staged._row = judged._row
{%- if folds %}
left join {{ folds }} as folds on folds._id = judged._id
{%- endif %}
where judged.outcome = 'deduplicated'
