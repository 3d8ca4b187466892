-- Islands as they are now; identifiers that no record names any more leave the dictionary.
DELETE FROM core.identity_island WHERE node_id IN (SELECT node_id FROM identity_scope);
INSERT INTO core.identity_island (node_id, island_id, is_crowd)
SELECT node_id, island_id, false FROM identity_found
UNION ALL
SELECT node_id, node_id, true FROM identity_crowd;
DELETE FROM core.identity_node
WHERE node_id IN (SELECT node_id FROM identity_scope)
    AND node_id NOT IN (SELECT node_id FROM identity_found) AND node_id NOT IN (SELECT node_id FROM identity_crowd)
