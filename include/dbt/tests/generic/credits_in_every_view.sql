{#- Nothing lost, nothing doubled: fails for every kind of period and dimension whose credits are not one for each conversion. -#}
{% test credits_in_every_view(model, compare_to) %}
select here.period_kind, here.dimension, here.total, there.row_count
from (
    select period_kind, dimension, sum(linear_credit) as total from {{ model }} group by period_kind, dimension
) as here
cross join (select count(*) as row_count from {{ compare_to }}) as there
where here.total <> there.row_count
{% endtest %}
