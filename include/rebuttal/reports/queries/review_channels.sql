-- What each channel cost and brought within the period. A sum with an unknown part is unknown. Grain: channel.
SELECT
    channel,
    CASE WHEN count(*) = count(ad_cost_base) THEN sum(ad_cost_base) END AS ad_cost_base,
    CASE WHEN count(*) = count(acquisition_cost_base) THEN sum(acquisition_cost_base) END AS acquisition_cost_base,
    sum(new_customers) AS new_customers,
    sum(orders) AS orders,
    CASE WHEN count(*) = count(revenue_base) THEN sum(revenue_base) END AS revenue_base,
    min(currency) AS currency
FROM marts.unit_economics
WHERE month_start >= :first AND month_start <= :last
GROUP BY channel
ORDER BY sum(ad_cost_base) DESC, channel
