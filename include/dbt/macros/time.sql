{#- All of these mean the same on DuckDB and Postgres, whatever the session's time zone is. -#}

{% macro utc(column) -%}
    ({{ column }} at time zone 'UTC')
{%- endmacro %}

{#- The UTC date of an instant. -#}
{% macro utc_date(column) -%}
    cast({{ utc(column) }} as date)
{%- endmacro %}

{#- The Monday of the week of a date or a timestamp without zone. -#}
{% macro monday(expression) -%}
    cast(date_trunc('week', {{ expression }}) as date)
{%- endmacro %}

{#- The Monday (UTC) of the week of an instant. -#}
{% macro week_start(column) -%}
    {{ monday(utc(column)) }}
{%- endmacro %}

{#- Days from one instant to a later one, as a fraction. -#}
{% macro days_between(earlier, later) -%}
    (cast(extract(epoch from {{ later }}) - extract(epoch from {{ earlier }}) as double precision) / 86400)
{%- endmacro %}
