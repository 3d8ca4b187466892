-- Islands as they are now.
INSERT INTO core.identity_island (node_id, island_id, is_crowd)
SELECT node_id, island_id, false FROM identity_found WHERE component IS NULL;
INSERT INTO core.identity_island (node_id, island_id, is_crowd, person_key)
SELECT found.node_id, found.island_id, false, {person_key}
FROM identity_found AS found
JOIN identity_person AS person ON person.component = found.component;
INSERT INTO core.identity_island (node_id, island_id, is_crowd, person_key)
SELECT crowd.node_id, crowd.node_id, true, CASE WHEN person.component IS NOT NULL THEN {person_key} END
FROM identity_crowd AS crowd
LEFT JOIN identity_shared AS shared ON shared.node_id = crowd.node_id
LEFT JOIN identity_person AS person ON person.component = shared.component
