-- What each channel brought in the week. Grain: channel.
SELECT channel, visits, leads, deals_won, revenue_base, cost_base AS ad_cost_base, currency
FROM marts.channel_performance
WHERE week_start = :first
ORDER BY leads DESC, visits DESC, channel
