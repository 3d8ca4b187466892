{#- Fails for every conversion and model whose credits do not add up to 1. -#}
{% test credits_sum_to_one(model, group_by, tolerance=0.000000001) %}
select {{ group_by | join(', ') }}, sum(credit) as credit
from {{ model }}
group by {{ group_by | join(', ') }}
having abs(sum(credit) - 1) > {{ tolerance }}
{% endtest %}
