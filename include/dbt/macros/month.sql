{#- The first day of the month of a date or a timestamp without zone. -#}
{% macro first_of_month(expression) -%}
    cast(date_trunc('month', {{ expression }}) as date)
{%- endmacro %}

{#- The first day of the month (UTC) of an instant. -#}
{% macro month_start(column) -%}
    {{ first_of_month(utc(column)) }}
{%- endmacro %}

{#- Calendar months from one first of a month to a later one. -#}
{% macro months_between(earlier, later) -%}
    cast(
        (extract(year from {{ later }}) - extract(year from {{ earlier }})) * 12
        + extract(month from {{ later }}) - extract(month from {{ earlier }}) as bigint
    )
{%- endmacro %}

{#- A quantile (0 to 1) of a number over those rows that have it, interpolated. -#}
{% macro quantile(expression, share) -%}
    cast(percentile_cont({{ share }}) within group (order by {{ expression }}) as double precision)
{%- endmacro %}
