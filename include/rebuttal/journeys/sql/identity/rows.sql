-- The scope's rows of core.person_identifier as they should be.
CREATE TEMPORARY {held} identity_next AS
SELECT known.identifier_kind, known.source, known.account_id, known.identifier, person.person_id,
    CASE known.rule WHEN 0 THEN 'alone' WHEN 1 THEN 'vendor_merge' WHEN 2 THEN 'email' WHEN 3 THEN 'phone'
        WHEN 4 THEN 'click' WHEN 5 THEN 'device' ELSE 'survey' END AS rule, known.seen_at AS first_seen_at, known.node_id
FROM identity_known AS known
JOIN identity_person AS person ON person.component = known.component
