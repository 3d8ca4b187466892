{#- Credit by place: all to an only touch, half each to two, otherwise the ends get their weights and the middle the rest. -#}
{% macro position_weight(position, touch_count) -%}
    case
        when {{ touch_count }} = 1 then 1
        when {{ touch_count }} = 2 then 0.5
        when {{ position }} = 1 then {{ var('first_weight') }}
        when {{ position }} = {{ touch_count }} then {{ var('last_weight') }}
        else (1 - {{ var('first_weight') }} - {{ var('last_weight') }}) / ({{ touch_count }} - 2)
    end
{%- endmacro %}
