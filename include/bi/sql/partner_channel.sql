-- One row per served booking and touch: which channels had a part in it, by linear credit.
select partner, channel, cast(converted_at as date) as served_date, linear_credit, conversion_value_base * linear_credit as value_base
from attribution_credit
where conversion_type = 'booking_served'
