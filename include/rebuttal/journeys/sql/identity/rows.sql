-- The scope's rows of core.person_identifier as they should be.
CREATE TEMPORARY {held} identity_next AS
SELECT node.identifier_kind, node.source, node.account_id, node.identifier, person.person_id,
    CASE member.rule WHEN 0 THEN 'alone' WHEN 1 THEN 'vendor_merge' WHEN 2 THEN 'email' WHEN 3 THEN 'phone'
        WHEN 4 THEN 'click' WHEN 5 THEN 'device' ELSE 'survey' END AS rule, member.seen_at AS first_seen_at
FROM identity_member AS member
JOIN identity_person AS person ON person.component = member.component
JOIN core.identity_node AS node ON node.node_id = member.node_id
