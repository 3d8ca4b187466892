-- The same events by day and by week: one row per week in which they differ.
select
    week.week_start,
    week.visits, day.visits as visits_by_day,
    week.leads, day.leads as leads_by_day,
    week.deals_won, day.deals_won as deals_won_by_day,
    week.clicks, day.clicks as clicks_by_day
from {{ ref('kpi_weekly') }} as week
left join (
    select
        {{ monday('date_day') }} as week_start,
        coalesce(sum(visits), 0) as visits, sum(leads) as leads, sum(deals_won) as deals_won, coalesce(sum(clicks), 0) as clicks
    from {{ ref('kpi_daily') }}
    group by 1
) as day on day.week_start = week.week_start
where coalesce(week.visits, 0) <> coalesce(day.visits, 0)
    or week.leads <> coalesce(day.leads, 0)
    or week.deals_won <> coalesce(day.deals_won, 0)
    or coalesce(week.clicks, 0) <> coalesce(day.clicks, 0)
