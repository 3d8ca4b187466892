-- Budgets of a month that are off their pace, the dearest first. Grain: channel.
SELECT month_start, channel, budget_base, spent_base, forecast_base, measured_until, state, currency
FROM marts.plan_pace
WHERE month_start = :month AND state IN ('over', 'under', 'unplanned', 'missing_rate')
ORDER BY
    CASE state WHEN 'over' THEN 1 WHEN 'unplanned' THEN 2 WHEN 'missing_rate' THEN 3 ELSE 4 END,
    coalesce(forecast_base, budget_base) DESC, channel
