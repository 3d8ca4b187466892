-- What earlier tasks of each category achieved. Grain: category.
SELECT
    category,
    count(CASE WHEN verdict = 'confirmed' THEN 1 END) AS confirmed_count,
    count(CASE WHEN verdict = 'rejected' THEN 1 END) AS rejected_count
FROM marts.effect
GROUP BY category
ORDER BY category
