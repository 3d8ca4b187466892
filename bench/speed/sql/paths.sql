-- Paths to conversion as `rebuttal attribute` takes them. Grain: distinct path.
select path, count(*) as conversions
from (
    select conversion.conversion_id, string_agg(touchpoint.channel, ' > ' order by touchpoint.occurred_at) as path
    from marts_build.int_conversion as conversion
    inner join marts_build.touchpoint as touchpoint
        on touchpoint.person_id = conversion.person_id and touchpoint.occurred_at <= conversion.converted_at
    group by conversion.conversion_id
) as walked
group by path
