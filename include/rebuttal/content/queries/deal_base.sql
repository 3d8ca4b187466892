-- Deals created in [:since, :until): the denominator of an objection's rate today. Grain: one row.
SELECT count(*) AS deal_count
FROM marts.deal
WHERE created_at >= :since AND created_at < :until
