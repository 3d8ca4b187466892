-- When a person we know first opened a page. Grain: person and address (host and path, lower case, without the rest).
WITH viewed AS (
    SELECT
        identifier.person_id,
        hit.occurred_at,
        rtrim(
            split_part(split_part(regexp_replace(lower(hit.url), '^https?://(www\.)?', ''), '?', 1), '#', 1), '/'
        ) AS address
    FROM core.hit AS hit
    INNER JOIN core.person_identifier AS identifier
        ON hit.client_id = identifier.identifier AND identifier.identifier_kind = 'client_id'
    WHERE hit.is_page_view AND hit.occurred_at < :until
)

SELECT person_id, address, min(occurred_at) AS exposed_at
FROM viewed
WHERE address IN :addresses
GROUP BY person_id, address
ORDER BY person_id, address
