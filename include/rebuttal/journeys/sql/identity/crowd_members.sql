-- Shared devices among the touched: somebody, though nobody we know.
SELECT crowd.node_id AS node, coalesce({seen}, 9223372036854775807) AS seen
FROM (
    SELECT crowd.node_id, min(record.seen_at) AS seen_at
    FROM identity_crowd AS crowd
    JOIN core.identity_node AS node ON node.node_id = crowd.node_id AND node.identifier_kind = 'client_id'
    JOIN core.identity_record AS record ON record.client_node = crowd.node_id
        OR (record.self_node = crowd.node_id AND record.kind = 5)
    GROUP BY crowd.node_id
) AS crowd
