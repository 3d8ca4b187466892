{{ config(materialized='view') }}

with conversion as (

    select {{ text_hash(['person_id']) }} as person_hash, converted_at, {{ text_hash(['conversion_id']) }} as conversion_hash
    from {{ ref('int_conversion') }}
    where person_id is not null

)

-- Read once a build by what adds credit up, as numbers: text is slow to carry and to join. Names are read by `row_place`.
select
    conversion.conversion_hash,
    {{ text_hash(["touchpoint.channel", "coalesce(touchpoint.source_name, 'none')", "coalesce(touchpoint.campaign, 'none')", "coalesce(touchpoint.content, 'none')"]) }} as name_hash,
    touchpoint.{{ row_place() }} as row_place,
    touchpoint.channel,
    {{ microseconds('touchpoint.occurred_at') }} as occurred_micros,
    {{ decay(touch_age('touchpoint.occurred_at', 'conversion.converted_at')) }} as decay
from conversion
inner join {{ ref('touchpoint') }} as touchpoint
    on {{ text_hash(['touchpoint.person_id']) }} = conversion.person_hash
    and touchpoint.occurred_at <= conversion.converted_at
    and {{ touch_age('touchpoint.occurred_at', 'conversion.converted_at') }} <= {{ var('lookback_days') }}
where touchpoint.is_credited and touchpoint.person_id is not null
