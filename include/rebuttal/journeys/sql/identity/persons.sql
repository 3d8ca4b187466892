-- component -> person_id. A person that fell apart lives on where its earliest identifier is; of persons that became
-- one, the first seen gives the id; a new person's id is made of its earliest identifier.
--   identity_member  node_id, component, rule, seen_at      identity_first  component, node_id: the earliest, ties and all
CREATE TEMPORARY TABLE identity_heir AS
WITH stayed AS (
    SELECT past.person_id, member.component,
        row_number() OVER (
            PARTITION BY past.person_id
            ORDER BY member.seen_at NULLS LAST, past.identifier_kind{collation}, past.source{collation},
                past.account_id{collation}, past.identifier{collation}
        ) AS place
    FROM identity_past AS past
    JOIN identity_member AS member ON member.node_id = past.node_id
),
born AS (
    SELECT person_id, min(first_seen_at) AS born_at FROM identity_past GROUP BY person_id
),
heir AS (
    SELECT stayed.component, stayed.person_id,
        row_number() OVER (
            PARTITION BY stayed.component ORDER BY born.born_at NULLS LAST, stayed.person_id{collation}
        ) AS place
    FROM stayed
    JOIN born ON born.person_id = stayed.person_id
    WHERE stayed.place = 1
)
SELECT component, person_id FROM heir WHERE place = 1;
CREATE TEMPORARY TABLE identity_newcomer AS
WITH earliest AS (
    SELECT first.component, node.identifier_kind || chr(31) || node.source || chr(31) || node.account_id || chr(31)
            || node.identifier || chr(31) AS key
    FROM identity_first AS first
    JOIN core.identity_node AS node ON node.node_id = first.node_id
    WHERE first.component NOT IN (SELECT component FROM identity_heir)
),
ranked AS (
    SELECT component, key, row_number() OVER (PARTITION BY component ORDER BY key{collation}) AS place FROM earliest
    WHERE component IN (SELECT component FROM earliest GROUP BY component HAVING count(*) > 1)
)
SELECT component, key FROM ranked WHERE place = 1
UNION ALL
SELECT component, key FROM earliest WHERE component NOT IN (SELECT component FROM ranked);
CREATE TEMPORARY TABLE identity_person AS
SELECT component, person_id FROM identity_heir
UNION ALL
SELECT component, 'p' || left(md5(key), 16) FROM identity_newcomer
