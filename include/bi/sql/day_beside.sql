-- One row per metric: the last day that all sources have in common, beside the same weekday of the week before and the mean of
-- that weekday in the eight weeks before. Days before the data began are not known, and leave the mean unknown.
with last_day as (
    select (select min(until_date) from source_window) - 1 as day, (select max(first_date) from source_window) as first_day
),
day as (
    select kpi_daily.*, (last_day.day - date_day) / 7 as back
    from kpi_daily cross join last_day
    where date_day between last_day.first_day and last_day.day
        and date_day in (last_day.day, last_day.day - 7, last_day.day - 14, last_day.day - 21, last_day.day - 28,
            last_day.day - 35, last_day.day - 42, last_day.day - 49, last_day.day - 56)
),
figure as (
    select 1 as place, 'reach' as metric, back, cast(visits as double precision) as value from day
    union all
    select 2, 'leads', back, cast(leads as double precision) from day
    union all
    select 3, 'deals', back, cast(deals_created as double precision) from day
    union all
    select 4, 'orders', back, cast(deals_won as double precision) from day
    union all
    select 5, 'revenue', back, cast(revenue_base as double precision) from day
),
beside as (
    select
        place, metric,
        max(case when back = 0 then value end) as newest,
        max(case when back = 1 then value end) as before,
        case
            when count(case when back >= 1 then 1 end) = count(case when back >= 1 then value end)
            then avg(case when back >= 1 then value end)
        end as usual
    from figure group by place, metric
)

select place, metric, metric as meaning, newest, before, usual, (newest - before) / nullif(abs(before), 0) as change
from beside
