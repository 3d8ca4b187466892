with path as (

    -- A number of its own for each path: cheaper to sort and join by than the id.
    select
        row_number() over (order by path.conversion_id) as path_number,
        path.touch_count, path.touches, path.name_keys, {{ microseconds('conversion.converted_at') }} as converted_micros,
        {{ week_start('conversion.converted_at') }} as week_start, {{ month_start('conversion.converted_at') }} as month_start,
        conversion.conversion_type, conversion.partner_id, conversion.value_base, conversion.is_rate_missing
    from {{ ref('int_conversion_path') }} as path
    inner join {{ ref('int_conversion') }} as conversion on conversion.conversion_id = path.conversion_id

),

touch as (

    select
        path_number, converted_micros,
        {{ each_of('touches') }} as touch, {{ each_of('name_keys') }} as name_key, {{ each_place_of('touches') }} as position
    from path

),

weighed as (

    select
        path_number, position, name_key, mod(touch, 128) as channel_code,
        {{ decay('cast(converted_micros - (touch - mod(touch, 128)) / 128 as double precision) / 86400000000') }} as decay
    from touch

),

added as (

    select
        weighed.*,
        cast(sum(decay) over (
            partition by path_number order by position rows between unbounded preceding and current row
        ) as numeric(18, 12)) as decay_until
    from weighed

),

path_sum as (

    select
        weighed.path_number,
        cast(sum(weighed.decay) as numeric(18, 12)) as decay_total,
        max(case when code.channel <> 'direct' then weighed.position end) as last_known_position
    from weighed
    inner join {{ ref('int_channel_code') }} as code on code.channel_code = weighed.channel_code
    group by weighed.path_number

),

on_channel as (

    select path_number, channel_code, count(*) as touch_count from weighed group by path_number, channel_code

),

channel_sum as (

    select path_number, count(*) as channel_count from on_channel group by path_number

),

-- Shapley: the channels of a path share alike, and so do the touches of a channel.
channel_weight as (

    select
        on_channel.path_number, on_channel.channel_code, on_channel.touch_count,
        {{ credit('1.0 / (channel_sum.channel_count * on_channel.touch_count)') }} as weight
    from on_channel
    inner join channel_sum on channel_sum.path_number = on_channel.path_number

),

shapley_sum as (

    select path_number, sum(weight * touch_count) as weight from channel_weight group by path_number

),

whole as (

    select path.*, path_sum.decay_total, path_sum.last_known_position, shapley_sum.weight as shapley_total
    from path
    inner join path_sum on path_sum.path_number = path.path_number
    inner join shapley_sum on shapley_sum.path_number = path.path_number

),

credited as (

    select
        whole.week_start, whole.month_start, whole.conversion_type, whole.partner_id, whole.value_base,
        whole.is_rate_missing, added.name_key,
        {{ single_touches('added.position', 'whole.touch_count', 'whole.last_known_position') }},
        {{ shared_credits('added.position', 'whole.touch_count', 'added.decay', 'added.decay_until', 'whole.decay_total', 'channel_weight.weight', 'whole.shapley_total') }}
    from added
    inner join whole on whole.path_number = added.path_number
    inner join channel_weight
        on channel_weight.path_number = added.path_number and channel_weight.channel_code = added.channel_code

    union all

    -- A conversion that nothing is known to have led to still counts: for the channel `unknown`.
    select
        {{ week_start('conversion.converted_at') }}, {{ month_start('conversion.converted_at') }},
        conversion.conversion_type, conversion.partner_id, conversion.value_base,
        conversion.is_rate_missing, cast(null as bigint)
        {%- for _ in single_models() %}, 1{% endfor %}
        {%- for _ in sharing_models() %}, {{ credit('1') }}{% endfor %}
    from {{ ref('int_conversion') }} as conversion
    left join {{ ref('int_conversion_path') }} as path on path.conversion_id = conversion.conversion_id
    where path.conversion_id is null

),

cell as (

    select
        week_start, month_start, conversion_type, partner_id, name_key,
        {% for model in single_models() -%}
        cast(sum({{ model }}_touch) as numeric(24, 12)) as {{ model }}_credit,
        sum(case when {{ model }}_touch = 1 then value_base end) as {{ model }}_value,
        {% endfor -%}
        {% for model in sharing_models() -%}
        sum({{ model }}_credit) as {{ model }}_credit,
        -- Exact products of exact numbers: over all names they add up to the CRM's money, to the last digit.
        sum(value_base * {{ model }}_credit) as {{ model }}_value,
        {% endfor -%}
        count(case when is_rate_missing then 1 end) as missing_rate_count
    from credited
    group by week_start, month_start, conversion_type, partner_id, name_key

)

select
    cell.week_start, cell.month_start, cell.conversion_type,
    {% for dimension in ['channel', 'source', 'campaign', 'content'] -%}
    coalesce(name.{{ dimension }}, 'unknown') as {{ dimension }},
    {% endfor -%}
    coalesce(cell.partner_id, case when cell.name_key is null then 'unknown' when name.channel = 'partner' then name.source else 'none' end) as partner,
    {% for model in touch_models() -%}
    cell.{{ model }}_credit, cell.{{ model }}_value,
    {% endfor -%}
    cell.missing_rate_count
from cell
left join {{ ref('int_touch_name') }} as name on name.name_key = cell.name_key
