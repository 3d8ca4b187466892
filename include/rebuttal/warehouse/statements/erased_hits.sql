-- `told`: values of a field with which the row goes.
insert into erased_hit
select landed._batch_id, landed._row, landed._key
from {{ landing }} as landed
join ops.batch as batch on batch.batch_id = landed._batch_id
where batch.account_id = :account_id and landed."{{ column }}" in (select value from {{ told }} as told)
    and landed._defect is distinct from :erased
{%- if only_waiting %} and batch.status = 'landed'{% endif %}
