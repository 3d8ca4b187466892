-- The week's best quotes of each theme: whole sentences before scraps, the buyer's own words before a rep's, sure before
-- unsure. Grain: theme, quote.
SELECT category, theme, quote
FROM (
    SELECT
        category,
        coalesce(nullif(theme, ''), 'general') AS theme,
        quote,
        row_number() OVER (
            PARTITION BY category, coalesce(nullif(theme, ''), 'general')
            ORDER BY
                CASE WHEN length(quote) BETWEEN 25 AND 220 THEN 0 ELSE 1 END,
                min(source_role), max(confidence) DESC, quote
        ) AS place
    FROM marts.objection
    WHERE week_start = :week AND category <> 'none'
        AND (cast(:partner AS VARCHAR) IS NULL OR partner_id = :partner) AND coalesce(quote, '') <> ''
    GROUP BY category, coalesce(nullif(theme, ''), 'general'), quote
) AS ranked
WHERE place <= 10
ORDER BY category, theme, place
