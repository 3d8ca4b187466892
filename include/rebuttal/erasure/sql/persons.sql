-- Under which ids identity knows the identifiers. Grain: person_id.
WITH known AS (SELECT * FROM {known} AS known)
SELECT DISTINCT person.person_id
FROM core.person_identifier AS person
JOIN known ON known.value = person.identifier
    AND (
        (known.kind IN ('contact_id', 'booking_id') AND known.kind = person.identifier_kind
            AND known.source = person.source AND known.account_id = person.account_id)
        OR (known.kind IN ('email_hash', 'phone_hash')
            AND person.identifier_kind IN (known.kind, 'partner_' || known.kind))
        OR (known.kind = 'client_id' AND person.identifier_kind = 'client_id')
    )
