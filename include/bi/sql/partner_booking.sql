-- One row per served booking: whose, when (UTC) and its value. Every conversion has one first touch, or one row without any:
-- taking that row is a scan, where putting a conversion together from all its touches is not.
select conversion_id, partner, cast(converted_at as date) as served_date, conversion_value_base as value_base
from attribution_credit
where conversion_type = 'booking_served' and coalesce(position, 1) = 1
