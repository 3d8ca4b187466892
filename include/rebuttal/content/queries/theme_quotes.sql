-- The best quotes of each theme in [:since, :until): whole sentences before scraps, the buyer's own words before a rep's,
-- sure before unsure, new before old. Grain: category, theme, quote. `told_count`: how many deals or people said it.
SELECT category, theme, quote, language, source_role, told_count
FROM (
    SELECT
        category,
        coalesce(nullif(theme, ''), 'general') AS theme,
        quote,
        min(language) AS language,
        min(source_role) AS source_role,
        count(*) AS told_count,
        row_number() OVER (
            PARTITION BY category, coalesce(nullif(theme, ''), 'general')
            ORDER BY
                CASE WHEN length(quote) BETWEEN 25 AND 250 THEN 0 ELSE 1 END,
                min(source_role), max(confidence) DESC, max(last_voiced_at) DESC, quote
        ) AS place
    FROM marts.objection
    WHERE last_voiced_at >= :since AND last_voiced_at < :until AND coalesce(quote, '') <> ''
    GROUP BY category, coalesce(nullif(theme, ''), 'general'), quote
) AS ranked
WHERE place <= :places
ORDER BY category, theme, place
