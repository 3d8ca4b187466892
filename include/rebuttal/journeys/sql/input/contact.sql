-- One row per CRM contact; its unit is its person.
SELECT contact.source || ':' || contact.account_id || ':' || contact.contact_id AS input_key,
       contact.batch_id,
       {hash}(contact.created_at, contact.segment, contact.language, contact.company_id, contact.owner_id,
              contact.lifecycle_stage, contact.self_reported_source, contact.email_kind, contact.phone_kind,
              contact.is_deleted{end}) AS content_hash,
       coalesce(person.person_id, '') AS unit_id
FROM core.contact AS contact
LEFT JOIN core.person_identifier AS person
    ON person.identifier_kind = 'contact_id' AND person.source = contact.source
    AND person.account_id = contact.account_id AND person.identifier = contact.contact_id
