-- Records that changed or are gone leave; the identifiers they named are touched.
CREATE TEMPORARY TABLE identity_touched (node_id bigint);
CREATE TEMPORARY TABLE identity_gone AS
SELECT past.* FROM core.identity_record AS past
JOIN identity_delta AS delta ON delta.was AND delta.record_key = past.record_key;
INSERT INTO identity_touched
SELECT node_id FROM (
    SELECT self_node AS node_id FROM identity_gone UNION ALL SELECT email_node FROM identity_gone
    UNION ALL SELECT phone_node FROM identity_gone UNION ALL SELECT client_node FROM identity_gone
    UNION ALL SELECT gclid_node FROM identity_gone UNION ALL SELECT yclid_node FROM identity_gone
    UNION ALL SELECT other_node FROM identity_gone
) AS named
WHERE node_id IS NOT NULL;
DELETE FROM core.identity_record WHERE record_key IN (SELECT record_key FROM identity_delta WHERE was)
