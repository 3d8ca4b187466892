-- Shared devices among the touched: somebody, though nobody we know.
SELECT node_id AS node, coalesce({seen}, 9223372036854775807) AS seen
FROM (
    SELECT node_id, min(seen_at) AS seen_at FROM (
        SELECT client_node AS node_id, seen_at FROM core.identity_record
        WHERE client_node IN (SELECT node_id FROM identity_crowd)
        UNION ALL
        SELECT self_node, seen_at FROM core.identity_record
        WHERE kind = 5 AND self_node IN (SELECT node_id FROM identity_crowd)
    ) AS named
    GROUP BY node_id
) AS crowd
