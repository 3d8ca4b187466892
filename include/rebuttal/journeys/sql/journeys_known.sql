-- Everything that is known of a person's way, packed, and which kinds of conversion the person had. Grain: person.
SELECT
    path.touches,
    CAST(coalesce(had.kinds, 0) AS bigint) AS kinds
FROM marts_build.int_person_path AS path
LEFT JOIN (
    SELECT person_id, sum(kind) AS kinds
    FROM (
        SELECT DISTINCT person_id, CASE conversion_type {kinds} END AS kind
        FROM marts_build.int_conversion
    ) AS one_kind
    GROUP BY person_id
) AS had ON had.person_id = path.person_id
