-- The scope's rows of core.identity_refusal as they should be.
INSERT INTO identity_refused SELECT node_id, reason, member_count FROM identity_crowd;
CREATE TEMPORARY TABLE refusal_next AS
SELECT known.identifier_kind, known.source, known.account_id, known.identifier, refused.reason, refused.member_count,
    known.node_id
FROM identity_known AS known
JOIN identity_refused AS refused ON refused.node_id = known.node_id
