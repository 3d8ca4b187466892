-- The week and the weeks it is compared with. Grain: week.
SELECT
    week_start AS first_day, is_complete, visits, leads, deals_created, sqls, deals_won, deals_lost, win_rate, revenue_base,
    average_order_value_base, ad_cost_base, cost_per_lead_base, roas, nps, currency
FROM marts.kpi_weekly
WHERE week_start >= :since AND week_start <= :first
ORDER BY week_start
