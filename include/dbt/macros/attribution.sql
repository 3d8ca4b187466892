{#- What a conversion is credited by, from the coarsest to the finest. -#}
{% macro credit_dimensions() -%}
    {{ return(['channel', 'source', 'campaign', 'content', 'partner']) }}
{%- endmacro %}

{#- Models whose credit is written touch by touch. -#}
{% macro touch_models() -%}
    {{ return(single_models() + sharing_models()) }}
{%- endmacro %}

{#- A share as a whole number of trillionths: exact from here on, the same on every engine, and quicker than decimals. -#}
{% macro trillionths(share) -%}
    cast(floor(({{ share }}) * cast(1000000000000 as double precision) + 0.5) as bigint)
{%- endmacro %}

{#- Trillionths of something, an exact number, as that something. -#}
{% macro of_trillionths(number) -%}
    ({{ number }} * 0.000000000001)
{%- endmacro %}

{#- What a touch of that age (days) weighs: half of it after every half-life, in whole trillionths, so that sums are exact. -#}
{% macro decay(days_before) -%}
    floor(power(cast(2 as double precision), -({{ days_before }}) / {{ var('half_life_days') }}) * 1000000000000 + 0.5)
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
  Credit of one touch in each of sharing_models(), in trillionths. What rounding leaves goes to the last touch, so that
  over a path they add up to exactly 1. `given`: what the path's touches together got of the model before that.
-#}
{% macro shared_credits(position, touch_count, decay, decay_total, decay_given, shapley_share, shapley_given) -%}
    {{ linear_share(touch_count) }} + case when {{ position }} = {{ touch_count }} then {{ trillionths(1) }} - {{ touch_count }} * {{ linear_share(touch_count) }} else 0 end as linear_share,
    {{ decay_share(decay, decay_total) }} + case when {{ position }} = {{ touch_count }} then {{ trillionths(1) }} - {{ decay_given }} else 0 end as time_decay_share,
    {{ middle_share(touch_count) }}
        + case when {{ position }} = 1 then {{ opening_share(touch_count) }} else 0 end
        + case when {{ position }} = {{ touch_count }} then {{ trillionths(1) }} - {{ touch_count }} * {{ middle_share(touch_count) }} - {{ opening_share(touch_count) }} else 0 end
        as position_based_share,
    {{ shapley_share }} + case when {{ position }} = {{ touch_count }} then {{ trillionths(1) }} - {{ shapley_given }} else 0 end as shapley_share
{%- endmacro %}

{% macro linear_share(touch_count) -%}
    {{ trillionths('1 / cast(' ~ touch_count ~ ' as double precision)') }}
{%- endmacro %}

{#- By position: what each touch of a path gets, and what the first one gets more than that. -#}
{% macro middle_share(touch_count) -%}
    case when {{ touch_count }} > 2 then {{ trillionths('cast(1 - ' ~ var('first_weight') ~ ' - ' ~ var('last_weight') ~ ' as double precision) / (' ~ touch_count ~ ' - 2)') }} else 0 end
{%- endmacro %}

{% macro opening_share(touch_count) -%}
    case {{ touch_count }} when 1 then 0 when 2 then {{ trillionths(0.5) }} else {{ trillionths(var('first_weight')) }} - {{ middle_share(touch_count) }} end
{%- endmacro %}

{#- Nothing when all touches are too old to weigh anything: the last one stands for them. -#}
{% macro decay_share(decay, decay_total) -%}
    case when {{ decay_total }} = 0 then 0 else {{ trillionths(decay ~ ' / ' ~ decay_total) }} end
{%- endmacro %}

{#- The channels of a path share alike, and so do the touches of a channel. -#}
{% macro shapley_share(channel_count, touch_count) -%}
    {{ trillionths('1 / cast(' ~ channel_count ~ ' * ' ~ touch_count ~ ' as double precision)') }}
{%- endmacro %}

{#- A number for what a touch is called, the same on every engine. -#}
{% macro name_key(row) -%}
    {{ text_key('concat(' ~ row ~ 'channel, chr(9), ' ~ row ~ 'source, chr(9), ' ~ row ~ 'campaign, chr(9), ' ~ row ~ 'content)') }}
{%- endmacro %}

{#- Days from a touch to the conversion, from whole microseconds: the same from instants as from packed touches. -#}
{% macro touch_age(occurred_at, converted_at) -%}
    (cast({{ microseconds(converted_at) }} - {{ microseconds(occurred_at) }} as double precision) / 86400000000)
{%- endmacro %}

{#- What makes a row of int_attribution_cell be made again: all that it is added up by. -#}
{% macro cell_unit(row, week_start='week_start', month_start='month_start') -%}
    {{ unit_text([row ~ week_start, row ~ month_start, row ~ 'conversion_type', row ~ 'channel', row ~ 'source', row ~ 'campaign', row ~ 'content', row ~ 'partner']) }}
{%- endmacro %}

{#- The same for a row of int_attribution_sum. -#}
{% macro sum_unit(period_kind='period_kind', period_start='period_start', conversion_type='conversion_type', dimension='dimension', name='name') -%}
    {{ unit_text([period_kind, period_start, conversion_type, dimension, name]) }}
{%- endmacro %}

{#-
  The same for a row of attribution: that of its sum, and of the models that look at all journeys of a month at once the
  month and the kind of conversion. NULL over all time: that is made again whenever anything is.
-#}
{% macro attribution_unit() -%}
    case
        when model in ({% for model in touch_models() %}'{{ model }}'{% if not loop.last %}, {% endif %}{% endfor %}) then {{ sum_unit() }}
        else {{ share_unit() }}
    end
{%- endmacro %}

{% macro share_unit(period_start='period_start', conversion_type='conversion_type') -%}
    {{ unit_text(["'share'", period_start, conversion_type]) }}
{%- endmacro %}

{#- Columns as one text, NULL where one of them is; told from a person by its separators. -#}
{% macro unit_text(columns) -%}
    {% for column in columns %}cast({{ column }} as {{ dbt.type_string() }}){% if not loop.last %} || chr(31) || {% endif %}{% endfor %}
{%- endmacro %}

{#- Credit and money of touch_models(), and how many had no exchange rate, added up over rows of cells. -#}
{% macro credit_sums(rows) -%}
    {% for model in touch_models() -%}
    sum({{ rows }}.{{ model }}_credit) as {{ model }}_credit, sum({{ rows }}.{{ model }}_value) as {{ model }}_value,
    {% endfor -%}
    cast(sum({{ rows }}.missing_rate_count) as bigint) as missing_rate_count
{%- endmacro %}
