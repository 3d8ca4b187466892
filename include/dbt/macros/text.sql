{#- The host of an address without `www.`, lower case; NULL when there is none. -#}
{% macro host_of(url) -%}
    {{ adapter.dispatch('host_of')(url) }}
{%- endmacro %}

{% macro default__host_of(url) -%}
    nullif(regexp_extract(lower({{ url }}), '^[a-z][a-z0-9+.-]*://(?:[^/@]*@)?(?:www[.])?([^/:?#]+)', 1), '')
{%- endmacro %}

{% macro postgres__host_of(url) -%}
    nullif(substring(lower({{ url }}) from '^[a-z][a-z0-9+.-]*://(?:[^/@]*@)?(?:www[.])?([^/:?#]+)'), '')
{%- endmacro %}

{#- One text for several columns; an absent value is an empty part. -#}
{% macro joined(columns, separator="'|'") -%}
    {% for column in columns -%}
        coalesce({{ column }}, ''){% if not loop.last %} || {{ separator }} || {% endif %}
    {%- endfor %}
{%- endmacro %}

{#- The path of an address without its query; NULL when there is none. -#}
{% macro path_of(url) -%}
    {{ adapter.dispatch('path_of')(url) }}
{%- endmacro %}

{% macro default__path_of(url) -%}
    nullif(regexp_extract({{ url }}, '^[A-Za-z][A-Za-z0-9+.-]*://[^/?#]+(/[^?#]*)', 1), '')
{%- endmacro %}

{% macro postgres__path_of(url) -%}
    nullif(substring({{ url }} from '^[A-Za-z][A-Za-z0-9+.-]*://[^/?#]+(/[^?#]*)'), '')
{%- endmacro %}
