-- Identifiers that glue nobody whatever else is known, among those that are touched: a desk's, test or invalid address
-- or number (the worst word seen counts for all of it), a burst, and what hundreds of records carry. Whoever carries
-- one that is no crowd yet is in scope with it; the carriers of a crowd are anywhere.
CREATE TEMPORARY VIEW identity_carrying AS
SELECT carried.* FROM (
    SELECT email_node AS node_id, email_word AS word, seen_at FROM {records}
    UNION ALL
    SELECT phone_node, phone_word, seen_at FROM {records}
    UNION ALL
    SELECT client_node, NULL, seen_at FROM {records} WHERE kind NOT IN (6, 7)
    UNION ALL
    SELECT gclid_node, NULL, seen_at FROM {records}
    UNION ALL
    SELECT yclid_node, NULL, seen_at FROM {records}
    UNION ALL
    SELECT self_node, NULL, NULL FROM {records} WHERE kind IN (6, 7)
) AS carried
WHERE carried.node_id IS NOT NULL {only_seed};
CREATE TEMPORARY TABLE identity_crowd AS
WITH carried AS (
    SELECT node_id, count(*) AS member_count, min(word) AS word
    FROM identity_carrying
    GROUP BY node_id
    HAVING count(*) > {max_records_per_hour} OR min(word) IS NOT NULL
),
burst AS (
    SELECT DISTINCT node_id FROM (
        SELECT carrying.node_id, date_trunc('hour', seen_at) AS seen_hour
        FROM identity_carrying AS carrying
        JOIN carried ON carried.node_id = carrying.node_id AND carried.word IS NULL
        WHERE seen_at IS NOT NULL
        GROUP BY carrying.node_id, date_trunc('hour', seen_at)
        HAVING count(*) > {max_records_per_hour}
    ) AS hours
)
SELECT carried.node_id, carried.member_count,
    coalesce(carried.word, CASE WHEN burst.node_id IS NOT NULL THEN 'burst' ELSE 'too_many_records' END) AS reason
FROM carried
LEFT JOIN burst ON burst.node_id = carried.node_id
WHERE carried.word IS NOT NULL OR burst.node_id IS NOT NULL OR carried.member_count > {max_records}
