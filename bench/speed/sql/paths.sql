-- What ChannelAttribution takes, from the same tables. Grain: distinct path.
select path, sum(won) as conversions, sum(1 - won) as nulls, sum(value) as value
from (
    select
        string_agg(touchpoint.channel, ' > ' order by touchpoint.occurred_at) as path,
        max(case when conversion.conversion_id is null then 0 else 1 end) as won,
        cast(max(coalesce(conversion.value_base, 0)) as double) as value
    from marts_build.touchpoint as touchpoint
    left join marts_build.int_conversion as conversion
        on conversion.person_id = touchpoint.person_id and touchpoint.occurred_at <= conversion.converted_at
    group by touchpoint.person_id
) as walked
group by path
