-- One row per day (UTC) on which anything happened, up to the last day that visits, advertising and sales have in common.
with event as (
    select cast(occurred_at as date) as day, 1 as visits, 0 as leads, 0 as deals_created, 0 as deals_won, 0 as deals_lost, cast(null as numeric(18, 6)) as revenue_base, 0 as unpriced
    from touchpoint where kind = 'visit'
    union all
    select cast(ended_at as date), 0, 1, 0, 0, 0, null, 0 from journey where is_converted and conversion_type = 'lead'
    union all
    select cast(created_at as date), 0, 0, 1, 0, 0, null, 0 from deal
    union all
    select
        cast(closed_at as date), 0, 0, 0,
        case when outcome = 'won' then 1 else 0 end, case when outcome = 'lost' then 1 else 0 end,
        case when outcome = 'won' then amount_base end,
        case when outcome = 'won' and is_rate_missing then 1 else 0 end
    from deal where outcome <> 'open'
)

select
    day, sum(visits) as visits, sum(leads) as leads, sum(deals_created) as deals_created, sum(deals_won) as deals_won,
    sum(deals_lost) as deals_lost,
    case when sum(unpriced) = 0 then coalesce(sum(revenue_base), 0) end as revenue_base
from event
where day < (select min(until_date) from source_window) and day >= (select max(first_date) from source_window)
group by day
