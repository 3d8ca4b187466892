-- Empties these rows: no vendor value stays, the key is a keyed hash, the place in the batch is kept.
update {{ landing }} as landed set
{%- for column in columns %}
    "{{ column }}" = null,
{%- endfor %}
    _key = told.new_key, _row_hash = :erased, _defect = :erased
from {{ told }} as told
where told.batch_id = landed._batch_id and cast(told.row_number as bigint) = landed._row
