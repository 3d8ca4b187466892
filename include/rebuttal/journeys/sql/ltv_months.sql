-- What cohorts bought month by month. Grain: cohort month, segment, months since the first purchase.
SELECT
    cohort_month,
    segment,
    months_since,
    sum(customers) AS customers,
    sum(repeat_orders) AS repeat_orders,
    sum(repeat_revenue_known_base) AS repeat_revenue,
    sum(revenue_known_base - repeat_revenue_known_base) AS first_revenue,
    sum(missing_rate_count) AS missing_rate_count
FROM marts_build.int_cohort_month
WHERE is_complete
GROUP BY cohort_month, segment, months_since
ORDER BY cohort_month, segment, months_since
