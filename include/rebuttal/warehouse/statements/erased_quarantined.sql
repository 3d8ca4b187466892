-- The quarantined rows whose landing field is about to be rewritten.
select quarantine.batch_id, quarantine.row_number, quarantine.reasons
from ops.quarantine as quarantine
join {{ landing }} as landed on landed._batch_id = quarantine.batch_id and landed._row = quarantine.row_number
where landed."{{ column }}" in (select value from {{ told }} as told)
