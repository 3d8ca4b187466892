-- Who carries an identifier that became a crowd, or is none any more, is touched too.
INSERT INTO identity_touched
SELECT self_node FROM core.identity_record WHERE email_node IN (SELECT node_id FROM identity_flipped)
UNION ALL
SELECT self_node FROM core.identity_record WHERE phone_node IN (SELECT node_id FROM identity_flipped)
UNION ALL
SELECT self_node FROM core.identity_record WHERE client_node IN (SELECT node_id FROM identity_flipped)
UNION ALL
SELECT self_node FROM core.identity_record WHERE gclid_node IN (SELECT node_id FROM identity_flipped)
UNION ALL
SELECT self_node FROM core.identity_record WHERE yclid_node IN (SELECT node_id FROM identity_flipped)
UNION ALL
SELECT client_node FROM core.identity_record
WHERE kind IN (6, 7) AND self_node IN (SELECT node_id FROM identity_flipped)
