-- Replaces changed rows and adds new ones: core afterwards holds one row per key.
delete from core.{{ entity }} where {{ place }} in (select place from {{ judged }} where outcome = 'changed');

insert into core.{{ entity }} (source, account_id, {{ columns | join(", ") }}, batch_id, row_number, row_hash)
select source, account_id, {{ columns | join(", ") }}, batch_id, staged._row, row_hash
from {{ written }} as staged
join {{ judged }} as judged on judged._row = staged._row and judged.outcome in ('new', 'changed')
