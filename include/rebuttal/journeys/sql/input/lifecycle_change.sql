-- One row per move of a contact to a lifecycle stage; its unit is the contact's person.
SELECT change.source || ':' || change.account_id || ':' || change.contact_id || ':' || change.lifecycle_stage || ':'
           || cast(change.changed_at AT TIME ZONE 'UTC' AS text) AS input_key,
       change.batch_id,
       {hash}(change.lifecycle_stage{end}) AS content_hash,
       coalesce(person.person_id, '') AS unit_id
FROM core.lifecycle_change AS change
LEFT JOIN core.person_identifier AS person
    ON person.identifier_kind = 'contact_id' AND person.source = change.source
    AND person.account_id = change.account_id AND person.identifier = change.contact_id
