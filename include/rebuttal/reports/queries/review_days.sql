-- The day and the days it is compared with. Grain: day.
SELECT
    date_day AS first_day, is_complete, visits, leads, deals_created, deals_won, deals_lost, revenue_base, ad_cost_base,
    currency
FROM marts.kpi_daily
WHERE date_day >= :since AND date_day <= :first
ORDER BY date_day
