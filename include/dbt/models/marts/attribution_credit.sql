{{ config(materialized='incremental', incremental_strategy='append', pre_hook="{{ forget_changed('person_id') }}") }}

with channel_weight as (

    -- Shapley: the channels of a path share alike, and so do the touches of a channel.
    select
        touch.conversion_id, touch.channel, count(*) as touch_count,
        {{ credit('1.0 / (min(path.channel_count) * count(*))') }} as weight
    from {{ ref('int_conversion_touch') }} as touch
    inner join {{ ref('int_conversion_path') }} as path on path.conversion_id = touch.conversion_id
    where 1 = 1 {{ only_changed('touch.person_id') }}
    group by touch.conversion_id, touch.channel

),

shapley_total as (

    select conversion_id, sum(weight * touch_count) as weight from channel_weight group by conversion_id

),

-- Credit up to and before each touch: their difference adds up to exactly 1, whatever is rounded.
placed as (

    select
        touch.conversion_id, touch.conversion_type, touch.person_id, conversion.converted_at, touch.touchpoint_id,
        touch.channel, touch.source, touch.campaign, touch.content, touch.partner,
        conversion.value_base, conversion.is_rate_missing, touch.position, path.touch_count,
        case when touch.position = 1 then 1 else 0 end as first_credit,
        case when touch.position = path.touch_count then 1 else 0 end as last_credit,
        case when touch.position = coalesce(path.last_known_position, path.touch_count) then 1 else 0 end as last_non_direct_credit,
        {{ credit('cast(touch.position as double precision) / path.touch_count') }} as linear_until,
        {{ credit('cast(touch.position - 1 as double precision) / path.touch_count') }} as linear_before,
        -- All touches too old to weigh anything: the last one stands for them.
        {{ credit('case when path.decay_total = 0 then (case when touch.position = path.touch_count then 1 else 0 end) else cast(touch.decay_until as double precision) / nullif(cast(path.decay_total as double precision), 0) end') }} as time_decay_until,
        {{ credit('case when path.decay_total = 0 then 0 else cast(touch.decay_until - touch.decay as double precision) / nullif(cast(path.decay_total as double precision), 0) end') }} as time_decay_before,
        {{ credit(position_until('touch.position', 'path.touch_count')) }} as position_based_until,
        {{ credit(position_until('(touch.position - 1)', 'path.touch_count')) }} as position_based_before,
        weight.weight as shapley_weight,
        case when touch.position = path.touch_count then 1 - total.weight else 0 end as shapley_rest
    from {{ ref('int_conversion_touch') }} as touch
    inner join {{ ref('int_conversion_path') }} as path on path.conversion_id = touch.conversion_id
    inner join {{ ref('int_conversion') }} as conversion on conversion.conversion_id = touch.conversion_id
    inner join channel_weight as weight on weight.conversion_id = touch.conversion_id and weight.channel = touch.channel
    inner join shapley_total as total on total.conversion_id = touch.conversion_id
    where 1 = 1 {{ only_changed('touch.person_id') }}

)

select
    conversion_id, conversion_type, person_id, converted_at, touchpoint_id,
    {{ credit_dimensions() | join(', ') }},
    cast(position as bigint) as position,
    is_rate_missing,
    value_base as conversion_value_base,
    {% for model in ['first', 'last', 'last_non_direct'] -%}
    {{ credit(model ~ '_credit') }} as {{ model }}_credit,
    {% endfor -%}
    {% for model in ['linear', 'time_decay', 'position_based'] -%}
    {{ credit(model ~ '_until - ' ~ model ~ '_before') }} as {{ model }}_credit,
    {% endfor -%}
    {{ credit('shapley_weight + shapley_rest') }} as shapley_credit
from placed

union all

-- A conversion that nothing is known to have led to still counts: for the channel `unknown`.
select
    conversion.conversion_id, conversion.conversion_type, conversion.person_id, conversion.converted_at,
    cast(null as {{ dbt.type_string() }}), 'unknown', 'unknown', 'unknown', 'unknown',
    coalesce(conversion.partner_id, 'unknown'), cast(null as bigint), conversion.is_rate_missing, conversion.value_base
    {%- for model in touch_models() %}, {{ credit('1') }}{% endfor %}
from {{ ref('int_conversion') }} as conversion
left join {{ ref('int_conversion_path') }} as path on path.conversion_id = conversion.conversion_id
where path.conversion_id is null {{ only_changed('conversion.person_id') }}
