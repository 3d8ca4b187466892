-- Of the deals created before and after a publication, how many voiced the theme, and how many any theme of the control.
-- A deal counts only when all its :horizon lies on its side, so nothing of the future is known. Grain: is_after.
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
    SELECT
        cohort.deal_id,
        objection.category || '/' || coalesce(nullif(objection.theme, ''), 'general') AS theme
    FROM cohort
    INNER JOIN marts.objection AS objection
        ON cohort.deal_id = objection.deal_id AND objection.first_voiced_at < cohort.judged_at
    WHERE objection.category <> 'none'
),

marked AS (
    SELECT
        deal_id,
        max(CASE WHEN theme = :theme THEN 1 ELSE 0 END) AS has_theme,
        max(CASE WHEN theme NOT IN :treated THEN 1 ELSE 0 END) AS has_control
    FROM voiced
    GROUP BY deal_id
)

SELECT
    cohort.is_after,
    count(*) AS deal_count,
    sum(coalesce(marked.has_theme, 0)) AS theme_count,
    sum(coalesce(marked.has_control, 0)) AS control_count
FROM cohort
LEFT JOIN marked ON cohort.deal_id = marked.deal_id
GROUP BY cohort.is_after
ORDER BY cohort.is_after
