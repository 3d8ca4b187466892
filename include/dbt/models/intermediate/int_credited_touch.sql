{{ config(materialized='view') }}

with conversion as (

    select person_id, converted_at, {{ text_hash(['conversion_id']) }} as conversion_hash from {{ ref('int_conversion') }}

)

-- Read once a build by what adds credit up, as numbers: text is slow to carry. Names are read by `row_place`.
select
    conversion.conversion_hash,
    {{ text_hash(["touchpoint.channel", "coalesce(touchpoint.source_name, 'none')", "coalesce(touchpoint.campaign, 'none')", "coalesce(touchpoint.content, 'none')"]) }} as name_hash,
    touchpoint.{{ row_place() }} as row_place,
    {{ packed_touch('touchpoint.occurred_at', 'code.channel_code') }} as place,
    {{ decay(touch_age('touchpoint.occurred_at', 'conversion.converted_at')) }} as decay
from conversion
inner join {{ ref('touchpoint') }} as touchpoint
    on touchpoint.person_id = conversion.person_id
    and touchpoint.occurred_at <= conversion.converted_at
    and {{ touch_age('touchpoint.occurred_at', 'conversion.converted_at') }} <= {{ var('lookback_days') }}
inner join {{ ref('int_channel_code') }} as code on code.channel = touchpoint.channel
where touchpoint.is_credited
