-- Everything that is known of a person's way, packed, in any order; which kinds of conversion the person had, and, with
-- any, the person's number (-1: none). Grain: person.
SELECT
    path.touches,
    CAST(coalesce(had.kinds, 0) AS bigint) AS kinds,
    coalesce(had.person_number, -1) AS person_number
FROM marts_build.int_person_path AS path
LEFT JOIN (
    SELECT person_id, sum(kind) AS kinds, CAST(row_number() OVER (ORDER BY person_id) - 1 AS bigint) AS person_number
    FROM (
        SELECT DISTINCT person_id, CASE conversion_type {kinds} END AS kind
        FROM marts_build.int_conversion
    ) AS one_kind
    GROUP BY person_id
) AS had ON had.person_id = path.person_id
