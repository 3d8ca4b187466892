{{ config(materialized='incremental', incremental_strategy='append', pre_hook="{{ forget_changed('person_id') }}") }}

with touch as (

    select
        conversion.conversion_id,
        conversion.conversion_type,
        conversion.person_id,
        touchpoint.touchpoint_id,
        touchpoint.channel,
        coalesce(touchpoint.source_name, 'none') as source,
        coalesce(touchpoint.campaign, 'none') as campaign,
        coalesce(touchpoint.content, 'none') as content,
        coalesce(conversion.partner_id, case when touchpoint.channel = 'partner' then touchpoint.source_name end, 'none') as partner,
        touchpoint.occurred_at,
        {{ touch_age('touchpoint.occurred_at', 'conversion.converted_at') }} as days_before
    from {{ made(ref('int_conversion')) }} as conversion
    inner join {{ made(ref('touchpoint')) }} as touchpoint
        on touchpoint.person_id = conversion.person_id
        and touchpoint.occurred_at <= conversion.converted_at
    where touchpoint.is_credited {{ only_changed('conversion.person_id') }}

),

placed as (

    select
        touch.*,
        name.channel_code,
        name.name_key,
        {{ decay('touch.days_before') }} as decay
    from touch
    inner join {{ ref('int_touch_name') }} as name
        on name.channel = touch.channel and name.source = touch.source
        and name.campaign = touch.campaign and name.content = touch.content
    where touch.days_before <= {{ var('lookback_days') }}

)

select
    placed.*,
    -- Same instant: by channel, then any order, if only it is the same one on every engine and that of int_attribution_cell.
    row_number() over (partition by conversion_id order by occurred_at, channel_code, name_key, md5(touchpoint_id)) as position
from placed
