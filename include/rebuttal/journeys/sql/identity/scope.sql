-- The islands to resolve again: all nodes that could have met a touched one, with how and where they stand. A crowd is looked at
-- only where it is itself touched.
CREATE TEMPORARY TABLE identity_scope AS
WITH island AS (
    SELECT node_id, is_crowd, {place} AS place FROM core.identity_island
    WHERE island_id IN (
        SELECT island_id FROM core.identity_island WHERE node_id IN (SELECT node_id FROM identity_touched)
    )
)
SELECT node_id, is_crowd, place FROM island
WHERE NOT is_crowd OR node_id IN (SELECT node_id FROM identity_seed)
UNION ALL
SELECT touched.node_id, false, {no_place}
FROM (SELECT DISTINCT node_id FROM identity_touched) AS touched
WHERE NOT EXISTS (SELECT 1 FROM island WHERE island.node_id = touched.node_id);
CREATE TEMPORARY TABLE identity_near AS
SELECT * FROM core.identity_record WHERE self_node IN (SELECT node_id FROM identity_scope)
