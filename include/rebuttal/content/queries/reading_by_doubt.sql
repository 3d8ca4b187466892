-- People who voiced a doubt in [:since, :until) and whose browser is known; of them, how many read a piece then.
-- Grain: item_id, category, theme. item_id '' is all of them, read or not; theme '' is the whole category. Pieces that
-- nobody of them read are left out.
WITH browser AS (

    SELECT DISTINCT identifier AS client_id, person_id
    FROM core.person_identifier
    WHERE identifier_kind = 'client_id'

),

voiced AS (

    SELECT DISTINCT category, coalesce(nullif(theme, ''), 'general') AS theme, person_id
    FROM marts.objection
    WHERE
        category <> 'none' AND last_voiced_at >= :since AND last_voiced_at < :until
        AND person_id IN (SELECT person_id FROM browser)

),

doubt AS (

    SELECT category, theme, person_id FROM voiced
    UNION ALL
    SELECT DISTINCT category, '', person_id FROM voiced

),

reader AS (

    SELECT DISTINCT item.item_id, browser.person_id
    FROM core.content_item AS item
    INNER JOIN core.hit AS hit
        ON item.path = rtrim(hit.page_path, '/')
        AND item.host = replace(lower(split_part(hit.url, '/', 3)), 'www.', '')
    INNER JOIN browser ON hit.client_id = browser.client_id
    WHERE hit.is_page_view AND hit.occurred_at >= :since AND hit.occurred_at < :until

)

SELECT '' AS item_id, category, theme, count(*) AS person_count
FROM doubt
GROUP BY category, theme

UNION ALL

SELECT reader.item_id, doubt.category, doubt.theme, count(*)
FROM reader
INNER JOIN doubt ON reader.person_id = doubt.person_id
GROUP BY reader.item_id, doubt.category, doubt.theme

ORDER BY item_id, category, theme
