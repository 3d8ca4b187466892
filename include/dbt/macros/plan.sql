{#- Before this share of a period nothing is foreseen: a few days say little about the rest. -#}
{% macro plan_too_early() -%}
    0.1
{%- endmacro %}
