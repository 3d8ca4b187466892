{#- Rows in = rows out: fails when the model and `compare_to` (filtered by `where_there`) differ in number. -#}
{% test same_row_count(model, compare_to, where_here="1 = 1", where_there="1 = 1") %}
select here.row_count as row_count_here, there.row_count as row_count_there
from (select count(*) as row_count from {{ model }} where {{ where_here }}) as here
cross join (select count(*) as row_count from {{ compare_to }} where {{ where_there }}) as there
where here.row_count <> there.row_count
{% endtest %}
