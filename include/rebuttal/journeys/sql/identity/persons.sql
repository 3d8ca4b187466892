-- component -> person_id. A person that fell apart lives on where its earliest identifier is; of persons that became
-- one, the first seen gives the id; a new person's id is made of its earliest identifier.
--   identity_known  of every identifier: component (its person's number), rule, seen_at, its name, and `earliest`: 0 if
--   another of its person is older, 1 if none is, 2 if others are as old: then the first by name counts
CREATE TEMPORARY TABLE identity_heir AS
WITH stayed AS (
    SELECT past.person_id, member.component,
        row_number() OVER (
            PARTITION BY past.person_id
            ORDER BY member.seen_at NULLS LAST, past.identifier_kind{collation}, past.source{collation},
                past.account_id{collation}, past.identifier{collation}
        ) AS place
    FROM identity_past AS past
    JOIN identity_member AS member ON member.node_id = past.node_id AND member.component IS NOT NULL
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
WITH newcomer AS (
    SELECT component, earliest, identifier_kind || chr(31) || source || chr(31) || account_id || chr(31) || identifier
            || chr(31) AS key
    FROM identity_known
    WHERE earliest > 0 AND component NOT IN (SELECT component FROM identity_heir)
)
SELECT component, key FROM newcomer WHERE earliest = 1
UNION ALL
SELECT component, min(key{collation}) FROM newcomer WHERE earliest = 2 GROUP BY component;
CREATE TEMPORARY TABLE identity_person AS
SELECT component, person_id FROM identity_heir
UNION ALL
SELECT component, 'p' || left(md5(key), 16) FROM identity_newcomer
