-- Every CRM contact, deleted ones too: a merged contact's identifiers still belong to its person.
SELECT source, account_id, contact_id, created_at, email_hash, email_kind, phone_hash, phone_kind, client_id, gclid, yclid,
       segment, language, merged_ids
FROM core.contact
