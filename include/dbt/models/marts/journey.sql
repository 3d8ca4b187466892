{{ config(materialized='incremental', incremental_strategy='append', pre_hook="{{ forget_changed('person_id') }}") }}

with converted as (

    select
        conversion.conversion_id as journey_id,
        conversion.person_id,
        coalesce(min(touch.occurred_at), conversion.converted_at) as started_at,
        conversion.converted_at as ended_at,
        true as is_converted,
        conversion.conversion_type,
        conversion.conversion_id,
        cast(count(touch.touchpoint_id) as bigint) as touch_count,
        string_agg(touch.channel, ' > ' order by touch.position) as path,
        conversion.value_base
    from {{ made(ref('int_conversion')) }} as conversion
    left join {{ made(ref('int_conversion_touch')) }} as touch on touch.conversion_id = conversion.conversion_id
    where true {{ only_changed('conversion.person_id') }}
    group by
        conversion.conversion_id, conversion.person_id, conversion.converted_at, conversion.conversion_type,
        conversion.value_base

),

last_conversion as (

    select person_id, max(converted_at) as converted_at
    from {{ made(ref('int_conversion')) }}
    where true {{ only_changed('person_id') }}
    group by person_id

)

select * from converted

union all

-- What came after a person's last conversion, or all of it, has led to nothing yet.
select
    'open:' || touch.person_id, touch.person_id, min(touch.occurred_at), max(touch.occurred_at), false,
    cast(null as {{ dbt.type_string() }}), cast(null as {{ dbt.type_string() }}), cast(count(*) as bigint),
    string_agg(touch.channel, ' > ' order by touch.occurred_at, md5(touch.touchpoint_id)),
    cast(null as numeric(18, 6))
from {{ made(ref('touchpoint')) }} as touch
left join last_conversion on last_conversion.person_id = touch.person_id
where touch.is_credited and (last_conversion.converted_at is null or touch.occurred_at > last_conversion.converted_at)
    {{ only_changed('touch.person_id') }}
group by touch.person_id
