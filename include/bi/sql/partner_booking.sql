-- One row per served booking: whose, when, its value, and the touches that are known.
select
    conversion_id, partner, cast(min(converted_at) as date) as served_date, max(conversion_value_base) as value_base,
    count(*) as touch_count
from attribution_credit
where conversion_type = 'booking_served'
group by conversion_id, partner
