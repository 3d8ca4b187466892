-- Deals created, by week (Monday, UTC). Grain: week_start.
SELECT cast(date_trunc('week', created_at AT TIME ZONE 'UTC') AS date) AS week_start, count(DISTINCT deal_id) AS deal_count
FROM core.deal
WHERE NOT coalesce(is_deleted, FALSE) AND created_at IS NOT NULL
GROUP BY cast(date_trunc('week', created_at AT TIME ZONE 'UTC') AS date)
ORDER BY week_start
