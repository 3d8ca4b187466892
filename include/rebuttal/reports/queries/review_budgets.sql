-- The budgets of a month and how they go down. Grain: channel.
SELECT channel, budget_base, spent_base, forecast_base, measured_until, is_complete, state, currency
FROM marts.plan_pace
WHERE month_start = :month
ORDER BY budget_base DESC NULLS LAST, channel
