-- Deals and people that first voiced a theme within the period. Grain: category, theme.
SELECT category, coalesce(nullif(theme, ''), 'general') AS theme, count(*) AS voice_count
FROM marts.objection
WHERE first_voiced_at >= :starts_at AND first_voiced_at < :ends_at AND category <> 'none'
GROUP BY category, coalesce(nullif(theme, ''), 'general')
ORDER BY voice_count DESC, category, theme
