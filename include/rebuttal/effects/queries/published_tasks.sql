-- Tasks whose piece is out, with what was registered before. Grain: task.
SELECT
    task_id, theme, category, published_at, published_url, hypothesis_metric, hypothesis_direction,
    hypothesis_expected_size, hypothesis_minimum_sample, hypothesis_baseline_days, hypothesis_horizon_days,
    hypothesis_deadline
FROM marts.content_task
WHERE published_at IS NOT NULL
ORDER BY task_id
