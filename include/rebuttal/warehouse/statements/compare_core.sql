-- How many rows of one entity, source and account came, went, or say something else than before. Provenance (batch, row,
-- hash) is not compared. `before` has the entity's columns.
with now as (
    select {{ columns | join(", ") }} from core.{{ entity }} where source = {{ source }} and account_id = {{ account_id }}
)
select
    count(case when before.{{ key[0] }} is null then 1 end) as added,
    count(case when now.{{ key[0] }} is null then 1 end) as removed,
    count(case when before.{{ key[0] }} is not null and now.{{ key[0] }} is not null and not (
        {%- for column in columns %}{% if not loop.first %} and {% endif -%}
        before.{{ column }} is not distinct from now.{{ column }}{% endfor -%}
    ) then 1 end) as different
from {{ before }} as before
full join now on {% for column in key %}{% if not loop.first %} and {% endif -%}
    before.{{ column }} = now.{{ column }}{% endfor %}
