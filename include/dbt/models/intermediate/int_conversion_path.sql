{{ config(materialized='incremental', incremental_strategy='append', pre_hook="{{ forget_changed('person_id') }}") }}

{%- set touch = packed_touch('touchpoint.occurred_at', 'code.channel_code') %}

-- Numbers only: text is slow to carry and to write, and the names of a touch stand once, in int_touch_name.
select
    conversion.conversion_id,
    conversion.person_id,
    cast(count(*) as bigint) as touch_count,
    {{ sorted_list(touch) }} as touches,
    {{ list_sorted_by('name.name_key', touch) }} as name_keys
from {{ ref('int_conversion') }} as conversion
inner join {{ ref('touchpoint') }} as touchpoint
    on touchpoint.person_id = conversion.person_id
    and touchpoint.occurred_at <= conversion.converted_at
    and {{ touch_age('touchpoint.occurred_at', 'conversion.converted_at') }} <= {{ var('lookback_days') }}
inner join {{ ref('int_channel_code') }} as code on code.channel = touchpoint.channel
inner join {{ ref('int_touch_name') }} as name
    on name.channel = touchpoint.channel
    and name.source = coalesce(touchpoint.source_name, 'none')
    and name.campaign = coalesce(touchpoint.campaign, 'none')
    and name.content = coalesce(touchpoint.content, 'none')
where touchpoint.is_credited {{ only_changed('conversion.person_id') }}
group by conversion.conversion_id, conversion.person_id
