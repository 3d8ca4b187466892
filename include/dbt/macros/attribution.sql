{#- What a conversion is credited by, from the coarsest to the finest. -#}
{% macro credit_dimensions() -%}
    {{ return(['channel', 'source', 'campaign', 'content', 'partner']) }}
{%- endmacro %}

{#- Models whose credit is written touch by touch. -#}
{% macro touch_models() -%}
    {{ return(['first', 'last', 'last_non_direct', 'linear', 'time_decay', 'position_based', 'shapley']) }}
{%- endmacro %}

{#- Credit of the touches up to a place: nothing before the first, all at the last. -#}
{% macro position_until(place, touch_count) -%}
    case
        when {{ place }} = 0 then 0
        when {{ place }} = {{ touch_count }} then 1
        when {{ touch_count }} = 2 then 0.5
        else {{ var('first_weight') }}
            + ({{ place }} - 1) * (1 - {{ var('first_weight') }} - {{ var('last_weight') }}) / ({{ touch_count }} - 2)
    end
{%- endmacro %}

{% macro credit(expression) -%}
    cast({{ expression }} as numeric(18, 12))
{%- endmacro %}

{#- A touch on a path as one number: microseconds since 1970 x 128 + the channel's code. Its order is the path's order. -#}
{% macro packed_touch(occurred_at, channel_code) -%}
    ({{ microseconds(occurred_at) }} * 128 + {{ channel_code }})
{%- endmacro %}
