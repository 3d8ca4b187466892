-- Objections voiced in [:since, :until), counted for every combination of what a brief tells about them.
-- Grain: category, theme, stage, segment, channel, language, outcome, source_role. Subjects add up over rows: one row
-- of marts.objection is one subject and objection. money: at stake in deals that are not won, base currency;
-- money_known_count: how many of those have a known amount (a won deal's 0 says nothing of the others).
SELECT
    category,
    coalesce(nullif(theme, ''), 'general') AS theme,
    coalesce(stage, '') AS stage,
    coalesce(segment, '') AS segment,
    coalesce(channel, '') AS channel,
    coalesce(language, '') AS language,
    coalesce(outcome, '') AS outcome,
    coalesce(source_role, '') AS source_role,
    min(currency) AS currency,
    count(*) AS subject_count,
    count(deal_id) AS deal_count,
    count(CASE WHEN outcome = 'won' THEN NULL ELSE money_at_risk_base END) AS money_known_count,
    sum(CASE WHEN outcome = 'won' THEN 0 ELSE money_at_risk_base END) AS money
FROM marts.objection
WHERE last_voiced_at >= :since AND last_voiced_at < :until AND category <> 'none'
GROUP BY
    category, coalesce(nullif(theme, ''), 'general'), coalesce(stage, ''), coalesce(segment, ''),
    coalesce(channel, ''), coalesce(language, ''), coalesce(outcome, ''), coalesce(source_role, '')
ORDER BY category, theme, stage, segment, channel, language, outcome, source_role
