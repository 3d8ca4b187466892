-- Verdicts that fell within the week, by their deadline. Grain: task.
SELECT
    effect.task_id, effect.theme, effect.category, effect.verdict, effect.effect, effect.interval_low,
    effect.interval_high, effect.sample_size, task.published_url
FROM marts.effect AS effect
INNER JOIN marts.content_task AS task ON effect.task_id = task.task_id
WHERE effect.is_final AND effect.evaluated_until > :monday AND effect.evaluated_until <= :next_monday
ORDER BY effect.task_id
