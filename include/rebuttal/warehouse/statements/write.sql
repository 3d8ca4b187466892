-- Replaces changed rows and adds new ones: core afterwards holds one row per key.
delete from core.{{ entity }} as core using {{ judged }} as judged
where judged.outcome = 'changed'
    {%- for column in ["source", "account_id"] + (key | list) %} and core.{{ column }} = judged.{{ column }}{% endfor %};

insert into core.{{ entity }} (source, account_id, {{ columns | join(", ") }}, batch_id, row_number, row_hash)
select source, account_id, {{ columns | join(", ") }}, batch_id, _row, row_hash
from {{ judged }} where outcome in ('new', 'changed')
