-- The different values of one landing field of an account. Of a text only those that may hold an e-mail address or a
-- phone number.
select distinct landed."{{ column }}"
from {{ landing }} as landed
join ops.batch as batch on batch.batch_id = landed._batch_id
where batch.account_id = :account_id and landed."{{ column }}" is not null
    and landed._defect is distinct from :erased
{%- if only_waiting %} and batch.status = 'landed'{% endif %}
{%- if is_text %} and (landed."{{ column }}" like '%@%'
        or length(landed."{{ column }}") - length(translate(landed."{{ column }}", '0123456789', '')) >= 9){% endif %}
