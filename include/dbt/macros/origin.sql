{#- What decides a channel: the same columns for visits, advertisements and answers. -#}
{% macro origin_columns() -%}
    {{ return(['click', 'campaign_id', 'utm_source', 'utm_medium', 'utm_campaign', 'referrer', 'traffic_source', 'answer']) }}
{%- endmacro %}

{% macro origin_id() -%}
    md5({{ joined(origin_columns(), "chr(31)") }})
{%- endmacro %}

{#- Whether a rule's pattern fits a value. No pattern fits anything; an empty one fits an absent value. -#}
{% macro fits(value, pattern) -%}
    ({{ pattern }} is null or coalesce({{ value }}, '') like {{ pattern }} escape '!')
{%- endmacro %}
