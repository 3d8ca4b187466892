{#- Money keeps six digits on every engine. -#}
{% macro money(expression) -%}
    cast({{ expression }} as numeric(18, 6))
{%- endmacro %}

{#- A rate or a ratio; a denominator of zero gives NULL, never 0. -#}
{% macro ratio(numerator, denominator) -%}
    cast({{ numerator }} as double precision) / nullif(cast({{ denominator }} as double precision), 0)
{%- endmacro %}

{% macro count_where(condition) -%}
    cast(count(case when {{ condition }} then 1 end) as bigint)
{%- endmacro %}

{#- The sum of an amount, or NULL when one of the amounts has no exchange rate: part of a sum is no sum. -#}
{% macro sum_converted(amount_base, is_rate_missing) -%}
    {{ money("case when count(case when " ~ is_rate_missing ~ " then 1 end) = 0 then coalesce(sum(" ~ amount_base ~ "), 0) end") }}
{%- endmacro %}
