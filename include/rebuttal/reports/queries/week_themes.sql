-- Deals and people that voiced each theme first in each week. Grain: theme, week. money: at stake in what is not won.
SELECT
    category,
    coalesce(nullif(theme, ''), 'general') AS theme,
    week_start,
    count(*) AS voice_count,
    sum(CASE WHEN coalesce(outcome, '') = 'won' THEN 0 ELSE money_at_risk_base END) AS money,
    min(currency) AS currency
FROM marts.objection
WHERE week_start >= :since AND week_start <= :week AND category <> 'none'
    AND (cast(:partner AS VARCHAR) IS NULL OR partner_id = :partner)
GROUP BY category, coalesce(nullif(theme, ''), 'general'), week_start
ORDER BY category, theme, week_start
