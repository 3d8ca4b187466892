-- Identifiers that glue nobody whatever else is known, among those that are touched: a desk's, test or invalid address
-- or number (the worst word seen counts for all of it), a burst, and what hundreds of records carry.
CREATE TEMPORARY TABLE identity_seed AS SELECT DISTINCT node_id FROM identity_touched;
CREATE TEMPORARY TABLE identity_carried AS
SELECT carried.* FROM (
    SELECT email_node AS node_id, coalesce(email_kind, 'unknown') AS word, seen_at FROM core.identity_record
    WHERE email_node IS NOT NULL
    UNION ALL
    SELECT phone_node, coalesce(phone_kind, 'unknown'), seen_at FROM core.identity_record WHERE phone_node IS NOT NULL
    UNION ALL
    SELECT client_node, 'personal', seen_at FROM core.identity_record
    WHERE client_node IS NOT NULL AND kind NOT IN (6, 7)
    UNION ALL
    SELECT gclid_node, 'personal', seen_at FROM core.identity_record WHERE gclid_node IS NOT NULL
    UNION ALL
    SELECT yclid_node, 'personal', seen_at FROM core.identity_record WHERE yclid_node IS NOT NULL
    UNION ALL
    SELECT self_node, 'personal', NULL FROM core.identity_record WHERE kind IN (6, 7)
) AS carried
{only_seed};
CREATE TEMPORARY TABLE identity_crowd AS
WITH carried AS (
    SELECT node_id, count(*) AS member_count,
        min(CASE WHEN word <> 'personal' THEN word END) AS word
    FROM identity_carried
    GROUP BY node_id
    HAVING count(*) > {max_records_per_hour} OR min(CASE WHEN word <> 'personal' THEN word END) IS NOT NULL
),
burst AS (
    SELECT DISTINCT node_id FROM (
        SELECT identity_carried.node_id, date_trunc('hour', seen_at) AS seen_hour
        FROM identity_carried
        JOIN carried ON carried.node_id = identity_carried.node_id AND carried.word IS NULL
        WHERE seen_at IS NOT NULL
        GROUP BY identity_carried.node_id, date_trunc('hour', seen_at)
        HAVING count(*) > {max_records_per_hour}
    ) AS hours
)
SELECT carried.node_id, carried.member_count,
    coalesce(carried.word, CASE WHEN burst.node_id IS NOT NULL THEN 'burst' ELSE 'too_many_records' END) AS reason
FROM carried
LEFT JOIN burst ON burst.node_id = carried.node_id
WHERE carried.word IS NOT NULL OR burst.node_id IS NOT NULL OR carried.member_count > {max_records};
-- Who carries an identifier that became a crowd, or is none any more, is touched too.
CREATE TEMPORARY TABLE identity_flipped AS
SELECT identity_seed.node_id FROM identity_seed
LEFT JOIN core.identity_island AS island ON island.node_id = identity_seed.node_id
LEFT JOIN identity_crowd AS crowd ON crowd.node_id = identity_seed.node_id
WHERE coalesce(island.is_crowd, false) <> (crowd.node_id IS NOT NULL);
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
