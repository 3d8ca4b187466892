-- Goals whose period meets the review's, and where they stand. Grain: goal.
SELECT goal_id, metric, owner, first_date, last_date, direction, target, current_value, forecast, measured_until, state
FROM marts.goal_progress
WHERE first_date <= :last AND last_date >= :first
ORDER BY last_date, goal_id
