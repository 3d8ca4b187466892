-- By how much figures of earlier weeks were changed by what landed in the week. Grain: source, currency, measure.
SELECT
    source, currency, measure, min(week_start) AS since, sum(after - before) AS delta
FROM marts.quality_restated
WHERE week_start < :monday AND landed_at > :starts_at AND landed_at <= :ends_at
GROUP BY source, currency, measure
ORDER BY source, currency, measure
