-- What earlier tasks achieved. Grain: task_id, metric.
SELECT task_id, category, metric, verdict
FROM marts.effect
WHERE verdict IN ('confirmed', 'rejected')
ORDER BY task_id, metric
