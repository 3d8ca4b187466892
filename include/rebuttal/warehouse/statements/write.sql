-- Replaces changed rows and adds new ones: core afterwards holds one row per key.
delete from core.{{ entity }} as core
using {{ staged }} as staged join {{ judged }} as judged on judged._row = staged._row and judged.outcome = 'changed'
where core.source = staged.source and core.account_id = staged.account_id
    {%- for column in key %} and core.{{ column }} = staged.{{ column }}{% endfor %};

insert into core.{{ entity }} (source, account_id, {{ columns | join(", ") }}, batch_id, row_number, row_hash)
select source, account_id, {{ columns | join(", ") }}, batch_id, staged._row, row_hash
from {{ staged }} as staged
join {{ judged }} as judged on judged._row = staged._row and judged.outcome in ('new', 'changed')
