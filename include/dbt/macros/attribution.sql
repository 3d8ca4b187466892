{#- What a conversion is credited by, from the coarsest to the finest. -#}
{% macro credit_dimensions() -%}
    {{ return(['channel', 'source', 'campaign', 'content', 'partner']) }}
{%- endmacro %}

{#- Models whose credit is written touch by touch. -#}
{% macro touch_models() -%}
    {{ return(single_models() + sharing_models()) }}
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

{#- What a touch of that age (days) weighs: half of it after every half-life. Exact, so that sums do not depend on their order. -#}
{% macro decay(days_before) -%}
    cast(power(cast(2 as double precision), -({{ days_before }}) / {{ var('half_life_days') }}) as numeric(18, 12))
{%- endmacro %}

{#- Models that give all credit to one touch, and those that share it out: together touch_models(). -#}
{% macro single_models() -%}
    {{ return(['first', 'last', 'last_non_direct']) }}
{%- endmacro %}

{% macro sharing_models() -%}
    {{ return(['linear', 'time_decay', 'position_based', 'shapley']) }}
{%- endmacro %}

{#- Whether a touch is the one that each of single_models() means: 1 or 0. -#}
{% macro single_touches(position, touch_count, last_known_position) -%}
    case when {{ position }} = 1 then 1 else 0 end as first_touch,
    case when {{ position }} = {{ touch_count }} then 1 else 0 end as last_touch,
    case when {{ position }} = coalesce({{ last_known_position }}, {{ touch_count }}) then 1 else 0 end as last_non_direct_touch
{%- endmacro %}

{#-
  Credit of one touch in each of sharing_models(): the difference between the credit up to the touch and the credit before
  it, so that over a path they add up to exactly 1, whatever is rounded.
-#}
{% macro shared_credits(position, touch_count, decay, decay_until, decay_total, shapley_weight, shapley_total) -%}
    {{ credit(credit('cast(' ~ position ~ ' as double precision) / ' ~ touch_count) ~ ' - ' ~ credit('cast(' ~ position ~ ' - 1 as double precision) / ' ~ touch_count)) }} as linear_credit,
    -- All touches too old to weigh anything: the last one stands for them.
    case
        when {{ decay_total }} = 0 then {{ credit('case when ' ~ position ~ ' = ' ~ touch_count ~ ' then 1 else 0 end') }}
        else {{ credit(credit('cast(' ~ decay_until ~ ' as double precision) / cast(' ~ decay_total ~ ' as double precision)') ~ ' - ' ~ credit('cast(' ~ decay_until ~ ' - ' ~ decay ~ ' as double precision) / cast(' ~ decay_total ~ ' as double precision)')) }}
    end as time_decay_credit,
    {{ credit(credit(position_until(position, touch_count)) ~ ' - ' ~ credit(position_until('(' ~ position ~ ' - 1)', touch_count))) }} as position_based_credit,
    {{ credit(shapley_weight ~ ' + case when ' ~ position ~ ' = ' ~ touch_count ~ ' then 1 - ' ~ shapley_total ~ ' else 0 end') }} as shapley_credit
{%- endmacro %}

{#- Days from a touch to the conversion, from whole microseconds: the same from instants as from packed touches. -#}
{% macro touch_age(occurred_at, converted_at) -%}
    (cast({{ microseconds(converted_at) }} - {{ microseconds(occurred_at) }} as double precision) / 86400000000)
{%- endmacro %}
