with touch as (

    select
        conversion.conversion_id,
        conversion.conversion_type,
        conversion.converted_at,
        conversion.value_base,
        conversion.is_rate_missing,
        touchpoint.touchpoint_id,
        touchpoint.channel,
        touchpoint.occurred_at,
        {{ days_between('touchpoint.occurred_at', 'conversion.converted_at') }} as days_before
    from {{ ref('int_conversion') }} as conversion
    inner join {{ ref('touchpoint') }} as touchpoint
        on touchpoint.person_id = conversion.person_id
        and touchpoint.occurred_at <= conversion.converted_at
    where touchpoint.is_credited

)

select
    touch.*,
    -- Same instant: any order will do, if only it is the same one on every engine.
    row_number() over (partition by conversion_id order by occurred_at, md5(touchpoint_id)) as position,
    count(*) over (partition by conversion_id) as touch_count
from touch
where days_before <= {{ var('lookback_days') }}
