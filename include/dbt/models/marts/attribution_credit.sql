{{ config(materialized='incremental', incremental_strategy='append', pre_hook="{{ forget_changed('person_id') }}") }}

with path as (

    select
        conversion_id, count(*) as touch_count, count(distinct channel) as channel_count,
        max(case when channel <> 'direct' then position end) as last_known_position,
        sum(decay) as decay_total
    from {{ made(ref('int_conversion_touch')) }}
    where 1 = 1 {{ only_changed('person_id') }}
    group by conversion_id

),

channel_share as (

    select
        touch.conversion_id, touch.channel, count(*) as touch_count,
        {{ shapley_share('min(path.channel_count)', 'count(*)') }} as shapley_share
    from {{ made(ref('int_conversion_touch')) }} as touch
    inner join path on path.conversion_id = touch.conversion_id
    where 1 = 1 {{ only_changed('touch.person_id') }}
    group by touch.conversion_id, touch.channel

),

shapley_given as (

    select conversion_id, sum(shapley_share * touch_count) as shapley_given from channel_share group by conversion_id

),

decay_given as (

    select touch.conversion_id, sum({{ decay_share('touch.decay', 'path.decay_total') }}) as decay_given
    from {{ made(ref('int_conversion_touch')) }} as touch
    inner join path on path.conversion_id = touch.conversion_id
    where 1 = 1 {{ only_changed('touch.person_id') }}
    group by touch.conversion_id

),

credited as (

    select
        touch.conversion_id, touch.conversion_type, touch.person_id, conversion.converted_at, touch.touchpoint_id,
        {% for dimension in credit_dimensions() %}touch.{{ dimension }}, {% endfor %}
        touch.position, conversion.is_rate_missing, conversion.value_base,
        {{ single_touches('touch.position', 'path.touch_count', 'path.last_known_position') }},
        {{ shared_credits('touch.position', 'path.touch_count', 'touch.decay', 'path.decay_total', 'decay_given.decay_given', 'channel_share.shapley_share', 'shapley_given.shapley_given') }}
    from {{ made(ref('int_conversion_touch')) }} as touch
    inner join path on path.conversion_id = touch.conversion_id
    inner join {{ made(ref('int_conversion')) }} as conversion on conversion.conversion_id = touch.conversion_id
    inner join channel_share on channel_share.conversion_id = touch.conversion_id and channel_share.channel = touch.channel
    inner join shapley_given on shapley_given.conversion_id = touch.conversion_id
    inner join decay_given on decay_given.conversion_id = touch.conversion_id
    where 1 = 1 {{ only_changed('touch.person_id') }}

)

select
    conversion_id, conversion_type, person_id, converted_at, touchpoint_id,
    {{ credit_dimensions() | join(', ') }},
    cast(position as bigint) as position,
    is_rate_missing,
    value_base as conversion_value_base
    {%- for model in single_models() %},
    cast({{ model }}_touch as numeric(18, 12)) as {{ model }}_credit
    {%- endfor %}
    {%- for model in sharing_models() %},
    cast({{ of_trillionths('cast(' ~ model ~ '_share as numeric(18, 0))') }} as numeric(18, 12)) as {{ model }}_credit
    {%- endfor %}
from credited

union all

-- A conversion that nothing is known to have led to still counts: for the channel `unknown`.
select
    conversion.conversion_id, conversion.conversion_type, conversion.person_id, conversion.converted_at,
    cast(null as {{ dbt.type_string() }}), 'unknown', 'unknown', 'unknown', 'unknown',
    coalesce(conversion.partner_id, 'unknown'), cast(null as bigint), conversion.is_rate_missing, conversion.value_base
    {%- for _ in touch_models() %}, cast(1 as numeric(18, 12)){% endfor %}
from {{ made(ref('int_conversion')) }} as conversion
left join path on path.conversion_id = conversion.conversion_id
where path.conversion_id is null {{ only_changed('conversion.person_id') }}
