-- The scope's rows of core.identity_refusal as they are and as they should be.
CREATE TEMPORARY TABLE refusal_past AS
SELECT refusal.* FROM core.identity_refusal AS refusal
{only_scope};
CREATE TEMPORARY TABLE refusal_next AS
SELECT node.identifier_kind, node.source, node.account_id, node.identifier, refused.reason, refused.member_count
FROM (
    SELECT node_id, reason, member_count FROM identity_refused
    UNION ALL
    SELECT node_id, reason, member_count FROM identity_crowd
) AS refused
JOIN core.identity_node AS node ON node.node_id = refused.node_id
