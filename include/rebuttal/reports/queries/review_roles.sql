-- Channels that do something else than was declared of them, or that do not turn. Grain: channel.
SELECT channel, expected_role, observed_role, is_turning, ad_cost_base, currency
FROM marts.channel_role
WHERE (is_as_declared = FALSE OR is_turning = FALSE) AND channel <> 'unknown'
ORDER BY is_turning, ad_cost_base DESC, channel
