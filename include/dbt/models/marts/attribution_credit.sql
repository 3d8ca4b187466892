with touch as (

    select
        int_conversion_touch.*,
        max(case when channel <> 'direct' then position end) over (partition by conversion_id) as last_known,
        power(cast(2 as double precision), -days_before / {{ var('half_life_days') }}) as decay
    from {{ ref('int_conversion_touch') }} as int_conversion_touch

),

model as (

    {% for model in ['first', 'last', 'last_non_direct', 'linear', 'time_decay', 'position_based'] -%}
    select '{{ model }}' as model {% if not loop.last %}union all{% endif %}
    {% endfor %}

),

credited as (

    select
        touch.*,
        model.model,
        case model.model
            when 'first' then case when position = 1 then 1 else 0 end
            when 'last' then case when position = touch_count then 1 else 0 end
            when 'last_non_direct' then case when position = coalesce(last_known, touch_count) then 1 else 0 end
            when 'linear' then cast(1 as double precision) / touch_count
            when 'time_decay' then decay / sum(decay) over (partition by conversion_id, model.model)
            when 'position_based' then {{ position_weight('position', 'touch_count') }}
        end as credit
    from touch
    cross join model

),

untouched as (

    -- A conversion that nothing is known to have led to still counts: for the channel `unknown`.
    select conversion.*, model.model
    from {{ ref('int_conversion') }} as conversion
    cross join model
    left join {{ ref('int_conversion_touch') }} as touch on touch.conversion_id = conversion.conversion_id
    where touch.conversion_id is null

)

select
    conversion_id, conversion_type, converted_at, model, touchpoint_id, channel,
    cast(credit as numeric(18, 12)) as credit,
    {{ money('value_base * credit') }} as value_base,
    is_rate_missing,
    cast(position as bigint) as position
from credited
where credit > 0

union all

select
    conversion_id, conversion_type, converted_at, model, cast(null as {{ dbt.type_string() }}), 'unknown',
    cast(1 as numeric(18, 12)), value_base, is_rate_missing, cast(null as bigint)
from untouched
