{#- Fails for every conversion whose credits do not add up to exactly 1 in each of the columns. -#}
{% test credits_sum_to_one(model, group_by, columns) %}
select {{ group_by }}{% for column in columns %}, sum({{ column }}) as {{ column }}{% endfor %}
from {{ model }}
group by {{ group_by }}
having {% for column in columns %}sum({{ column }}) <> 1{% if not loop.last %} or {% endif %}{% endfor %}
{% endtest %}
