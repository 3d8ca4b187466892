-- Deals decided in [:since, :until): the win rate that a theme's own is compared with. Grain: one row.
SELECT
    count(CASE WHEN outcome = 'won' THEN 1 END) AS won_count,
    count(CASE WHEN outcome = 'lost' THEN 1 END) AS lost_count
FROM marts.deal
WHERE outcome IN ('won', 'lost') AND closed_at >= :since AND closed_at < :until
