-- The evidence of every row of this batch that was a copy: of a better row with the same key, or of the same event.
insert into ops.duplicate
    (batch_id, row_number, entity, source, natural_key, survivor_key, kind, folded_by_batch_id)
select batch_id, _row, '{{ entity }}', source, _key, _key, 'same_key', batch_id
from {{ judged }} where outcome = 'deduplicated' and _rank > 1
{%- if folds %}
union all
select judged.batch_id, judged._row, '{{ entity }}', judged.source, folds._id, folds._survivor, '{{ kind }}', judged.batch_id
from {{ judged }} as judged join {{ folds }} as folds on folds._id = judged._id
where judged.outcome = 'deduplicated' and judged._rank = 1
{%- endif %}
