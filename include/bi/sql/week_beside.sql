-- One row per metric: the newest complete week beside the one before and the mean of the eight before. Shares are in per cent.
-- A week that is not known leaves the mean unknown; what was nothing before has no change in per cent.
with week as (
    select *, row_number() over (order by week_start desc) as back
    from kpi_weekly where is_complete
),
figure as (
    select 1 as place, 'reach' as metric, '' as unit, back, cast(visits as double precision) as value from week
    union all
    select 2, 'leads', '', back, cast(leads as double precision) from week
    union all
    select 3, 'orders', '', back, cast(deals_won as double precision) from week
    union all
    select 4, 'win_rate', '%', back, 100 * win_rate from week
    union all
    select 5, 'revenue', currency, back, cast(revenue_base as double precision) from week
    union all
    select 6, 'ad_cost', currency, back, cast(ad_cost_base as double precision) from week
    union all
    select 7, 'cpa', currency, back, cost_per_lead_base from week
    union all
    select 8, 'roas', '', back, roas from week
),
beside as (
    select
        place, metric, max(unit) as unit,
        max(case when back = 1 then value end) as newest,
        max(case when back = 2 then value end) as before,
        case
            when count(case when back between 2 and 9 then 1 end) = count(case when back between 2 and 9 then value end)
            then avg(case when back between 2 and 9 then value end)
        end as usual
    from figure group by place, metric
)

select place, metric, metric as meaning, unit, newest, before, usual, (newest - before) / nullif(abs(before), 0) as change
from beside
