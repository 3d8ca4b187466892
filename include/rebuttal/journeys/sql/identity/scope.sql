-- The islands to resolve again: all nodes that could have met a touched one. A crowd is looked at only where it is
-- itself touched.
CREATE TEMPORARY TABLE identity_scope AS
SELECT found.node_id FROM (
    SELECT node_id FROM identity_touched
    UNION
    SELECT node_id FROM core.identity_island
    WHERE island_id IN (
        SELECT island_id FROM core.identity_island WHERE node_id IN (SELECT node_id FROM identity_touched)
    )
) AS found
WHERE found.node_id NOT IN (
    SELECT node_id FROM core.identity_island
    WHERE is_crowd AND node_id NOT IN (SELECT node_id FROM identity_seed)
)
