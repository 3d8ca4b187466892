{#- One text for several columns; an absent value is an empty part. -#}
{% macro joined(columns, separator="'|'") -%}
    {% for column in columns -%}
        coalesce({{ column }}, ''){% if not loop.last %} || {{ separator }} || {% endif %}
    {%- endfor %}
{%- endmacro %}
