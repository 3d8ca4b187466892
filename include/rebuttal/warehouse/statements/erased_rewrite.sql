-- Puts what may stay in the place of what stood in a landing field. `told`: value, kept.
update {{ landing }} as landed set "{{ column }}" = told.kept
from {{ told }} as told
where told.value = landed."{{ column }}"
    and landed._batch_id in (select batch_id from ops.batch where account_id = :account_id)
