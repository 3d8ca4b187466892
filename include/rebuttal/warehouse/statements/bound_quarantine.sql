-- Cuts copies of quarantined rows to their length, hash and head. Every row keeps its line; landing has the whole row.
-- Cut are: all rows of batches landed before a moment, rows beyond the first `max_rows` of their batch, and rows of more
-- than `raw_limit` characters. A copy is whole when it has the member `_batch_id`, as every landed row does.
update ops.quarantine as kept set raw = {{ cut }}
from (
    select quarantine.batch_id, quarantine.row_number, batch.landed_at, length(quarantine.raw) as length,
        row_number() over (partition by quarantine.batch_id order by quarantine.row_number) as place
    from ops.quarantine as quarantine join ops.batch as batch on batch.batch_id = quarantine.batch_id
    {%- if batch_id %} where batch.batch_id = {{ batch_id }}{% endif %}
) as counted
where counted.batch_id = kept.batch_id and counted.row_number = kept.row_number
    {%- if batch_id %} and kept.batch_id = {{ batch_id }}{% endif %}
    and ({% if not batch_id %}counted.landed_at < :before or {% endif -%}
        counted.place > {{ max_rows }} or counted.length > {{ raw_limit }})
    and {{ batch_of_copy }} is not null
