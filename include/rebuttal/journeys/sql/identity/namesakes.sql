-- Newcomers whose id somebody has: an heir in scope, or a person out of it (whose island stands as it was).
CREATE TEMPORARY TABLE identity_clash AS
WITH newcomer AS (
    SELECT person.component, person.person_id, {person_key} AS person_key FROM identity_newcomer AS new
    JOIN identity_person AS person ON person.component = new.component
)
SELECT component FROM newcomer WHERE person_id IN (SELECT person_id FROM identity_heir)
UNION
SELECT newcomer.component FROM core.identity_island AS island
JOIN newcomer ON newcomer.person_key = island.person_key
WHERE newcomer.person_id NOT IN (SELECT person_id FROM identity_past)
