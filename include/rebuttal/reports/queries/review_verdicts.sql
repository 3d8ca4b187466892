-- Verdicts that fell due within the period. Grain: verdict.
SELECT verdict, count(*) AS task_count
FROM marts.effect
WHERE is_final AND evaluated_until > :first AND evaluated_until <= :after
GROUP BY verdict
ORDER BY verdict
