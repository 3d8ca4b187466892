{#- Whether a stage is at or beyond a threshold: an open one by its probability, a closed one only when it is won. -#}
{% macro passed(threshold) -%}
    (entry.probability >= {{ var(threshold) }} and (not entry.is_closed or entry.probability >= 1))
{%- endmacro %}
