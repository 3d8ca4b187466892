-- Of the deals created before and after a publication, how many there were and how many voiced each theme. A deal counts
-- only when all its :horizon lies on its side, so nothing of the future is known. Grain: is_after and theme; a row with
-- theme '' holds the count of all deals of its side.
WITH cohort AS (
    SELECT
        deal_id,
        created_at + CAST(:horizon AS INTERVAL) AS judged_at,
        created_at >= :published_at AS is_after
    FROM marts.deal
    WHERE
        (created_at >= :baseline_from AND created_at + CAST(:horizon AS INTERVAL) <= :published_at)
        OR (created_at >= :published_at AND created_at + CAST(:horizon AS INTERVAL) <= :until)
),

voiced AS (
    SELECT DISTINCT
        cohort.is_after,
        cohort.deal_id,
        objection.category || '/' || coalesce(nullif(objection.theme, ''), 'general') AS theme
    FROM cohort
    INNER JOIN marts.objection AS objection
        ON cohort.deal_id = objection.deal_id AND objection.first_voiced_at < cohort.judged_at
    WHERE objection.category <> 'none'
)

SELECT is_after, '' AS theme, count(*) AS deal_count FROM cohort GROUP BY is_after
UNION ALL
SELECT is_after, theme, count(*) FROM voiced GROUP BY is_after, theme
ORDER BY is_after, theme
