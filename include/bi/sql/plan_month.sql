-- The plan's months; is_newest is the last one of which anything is known, so that numbers never mix months.
select
    plan_pace.month_start, channel, budget_base, spent_base, expected_base, forecast_base, spent_share, measured_until, state,
    coalesce(plan_pace.month_start = newest.month_start, false) as is_newest,
    measured_until is not null as is_known,
    plan_pace.month_start <= coalesce(newest.month_start, current_date) + interval '2 month' as is_near
from plan_pace
cross join (select max(month_start) as month_start from plan_pace where measured_until is not null) as newest
