-- The least that any attribution does: join touches to conversions, count by channel. Kept as a table, as models are.
create or replace table joined as
select touchpoint.channel, count(*) as touch_count, min(touchpoint.occurred_at) as first_at
from marts_build.int_conversion as conversion
inner join marts_build.touchpoint as touchpoint
    on touchpoint.person_id = conversion.person_id and touchpoint.occurred_at <= conversion.converted_at
group by touchpoint.channel
