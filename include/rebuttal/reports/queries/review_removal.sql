-- What would go with each channel, by journeys to won deals. Grain: channel.
SELECT channel, journeys_touched, removal_effect, conversions_lost, value_lost_base, currency
FROM marts.channel_removal
WHERE conversion_type = 'won' AND journeys_touched > 0
ORDER BY value_lost_base DESC, channel
