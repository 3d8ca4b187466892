-- Contacts that are the person, by id, by a personal address, or because the vendor merged them with one that is; and
-- the addresses and devices that they carry. What is shared (core.identity_refusal, or carried by another contact) is not
-- the person's.
-- Grain: kind, source, account_id, value; repeats.
WITH known AS (SELECT * FROM {known} AS known),
merged AS (
    SELECT source, account_id, contact_id,
        unnest(string_to_array(replace(translate(merged_ids, '[]" ', ''), ',', ';'), ';')) AS merged_id
    FROM core.contact
    WHERE merged_ids IS NOT NULL
),
meant AS (
    SELECT contact.* FROM core.contact AS contact
    WHERE EXISTS (
        SELECT 1 FROM known
        WHERE known.kind = 'contact_id' AND known.source = contact.source AND known.account_id = contact.account_id
            AND known.value = contact.contact_id
    )
    OR contact.email_hash IN (SELECT value FROM known WHERE kind = 'email_hash')
    OR contact.phone_hash IN (SELECT value FROM known WHERE kind = 'phone_hash')
),
other AS (
    SELECT contact.phone_hash, contact.client_id FROM core.contact AS contact
    WHERE NOT EXISTS (
        SELECT 1 FROM meant
        WHERE meant.source = contact.source AND meant.account_id = contact.account_id
            AND meant.contact_id = contact.contact_id
    )
)
SELECT 'contact_id' AS kind, source, account_id, contact_id AS value FROM meant
UNION
SELECT 'contact_id', merged.source, merged.account_id, merged.merged_id FROM merged
JOIN meant ON meant.source = merged.source AND meant.account_id = merged.account_id
    AND meant.contact_id = merged.contact_id
WHERE merged.merged_id <> ''
UNION
SELECT 'contact_id', merged.source, merged.account_id, merged.contact_id FROM merged
JOIN known ON known.kind = 'contact_id' AND known.source = merged.source AND known.account_id = merged.account_id
    AND known.value = merged.merged_id
UNION
SELECT 'email_hash', '', '', email_hash FROM meant
WHERE email_kind = 'personal' AND email_hash NOT IN (
    SELECT identifier FROM core.identity_refusal WHERE identifier_kind = 'email_hash'
)
UNION
SELECT 'phone_hash', '', '', phone_hash FROM meant
WHERE phone_kind = 'personal' AND phone_hash NOT IN (
    SELECT identifier FROM core.identity_refusal WHERE identifier_kind = 'phone_hash'
) AND phone_hash NOT IN (SELECT phone_hash FROM other WHERE phone_hash IS NOT NULL)
UNION
SELECT 'client_id', '', '', client_id FROM meant
WHERE client_id <> '' AND client_id NOT IN (
    SELECT identifier FROM core.identity_refusal WHERE identifier_kind = 'client_id'
) AND client_id NOT IN (SELECT client_id FROM other WHERE client_id IS NOT NULL)
