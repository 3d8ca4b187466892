-- Deals and people that voiced each theme first in each week. Grain: theme, week. money: at stake in what is not won;
-- NULL while none of that has a known amount, for a won deal's 0 says nothing of the others; 0 when all are won.
SELECT
    category,
    coalesce(nullif(theme, ''), 'general') AS theme,
    week_start,
    count(*) AS voice_count,
    CASE
        WHEN count(CASE WHEN outcome = 'won' THEN 1 END) = count(*) THEN 0
        ELSE sum(CASE WHEN outcome = 'won' THEN NULL ELSE money_at_risk_base END)
    END AS money,
    min(currency) AS currency
FROM marts.objection
WHERE week_start >= :since AND week_start <= :week AND category <> 'none'
    AND (cast(:partner AS VARCHAR) IS NULL OR partner_id = :partner)
GROUP BY category, coalesce(nullif(theme, ''), 'general'), week_start
ORDER BY category, theme, week_start
