-- What leaves and what comes; the identifiers that either names are touched.
DELETE FROM core.identity_record WHERE record_key IN (SELECT record_key FROM identity_gone);
INSERT INTO core.identity_record SELECT * FROM identity_come;
CREATE TEMPORARY TABLE identity_moved AS
SELECT * FROM identity_gone UNION ALL SELECT * FROM identity_come;
CREATE TEMPORARY TABLE identity_touched AS
SELECT node_id FROM (
    SELECT self_node AS node_id FROM identity_moved UNION SELECT email_node FROM identity_moved
    UNION SELECT phone_node FROM identity_moved UNION SELECT client_node FROM identity_moved
    UNION SELECT gclid_node FROM identity_moved UNION SELECT yclid_node FROM identity_moved
    UNION SELECT other_node FROM identity_moved
) AS named
WHERE node_id IS NOT NULL;
CREATE TEMPORARY TABLE identity_seed AS SELECT node_id FROM identity_touched
