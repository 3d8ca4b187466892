-- The evidence of every row of this batch that was a copy: of a better row with the same key, or of the same event.
insert into ops.duplicate
    (batch_id, row_number, entity, source, natural_key, survivor_key, kind, folded_by_batch_id)
select {{ batch_id }}, judged._row, '{{ entity }}', {{ source }},
{%- if folds %}
    case when _found is null then judged._key else judged._id end,
    case when _found is null then judged._key else folds._survivor end,
    case when _found is null then 'same_key' else '{{ kind }}' end,
    {{ batch_id }}
from {{ judged }} as judged left join {{ folds }} as folds on folds._id = judged._id
{%- else %}
    judged._key, judged._key, 'same_key', {{ batch_id }}
from {{ judged }} as judged
{%- endif %}
where judged.outcome = 'deduplicated'
