-- Page views and browsers of each piece in [:since, :until). Grain: item_id; pieces that nobody opened are left out.
SELECT
    item.item_id,
    count(*) AS page_view_count,
    count(DISTINCT hit.client_id) AS visitor_count
FROM core.content_item AS item
INNER JOIN core.hit AS hit
    ON item.path = rtrim(hit.page_path, '/')
    AND item.host = replace(lower(split_part(hit.url, '/', 3)), 'www.', '')
WHERE hit.is_page_view AND hit.occurred_at >= :since AND hit.occurred_at < :until
GROUP BY item.item_id
ORDER BY item.item_id
