{#- Schema names are exact: `marts_build` is `marts_build`, whoever builds. -#}
{% macro generate_schema_name(custom_schema_name, node) -%}
    {{ (custom_schema_name or target.schema) | trim }}
{%- endmacro %}
