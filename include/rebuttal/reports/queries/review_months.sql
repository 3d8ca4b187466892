-- The months of the period and of those before, all channels together. A sum with an unknown part is unknown. Grain: month.
SELECT
    month_start AS first_day,
    min(CASE WHEN is_complete THEN 1 ELSE 0 END) = 1 AS is_complete,
    CASE WHEN count(*) = count(ad_cost_base) THEN sum(ad_cost_base) END AS ad_cost_base,
    CASE WHEN count(*) = count(acquisition_cost_base) THEN sum(acquisition_cost_base) END AS acquisition_cost_base,
    sum(new_customers) AS new_customers,
    sum(orders) AS orders,
    CASE WHEN count(*) = count(revenue_base) THEN sum(revenue_base) END AS revenue_base,
    min(currency) AS currency
FROM marts.unit_economics
WHERE month_start >= :since AND month_start <= :last
GROUP BY month_start
ORDER BY month_start
