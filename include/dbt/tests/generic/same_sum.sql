{#- Nothing lost, nothing doubled: fails when the sum of `column` differs from the number of rows of `compare_to`. -#}
{% test same_sum(model, column, compare_to, where_there="1 = 1") %}
select here.total, there.row_count
from (select coalesce(sum({{ column }}), 0) as total from {{ model }}) as here
cross join (select count(*) as row_count from {{ compare_to }} where {{ where_there }}) as there
where here.total <> there.row_count
{% endtest %}
