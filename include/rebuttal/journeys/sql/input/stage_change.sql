-- One row per entry of a deal into a stage; its unit is the person of the deal.
SELECT change.source || ':' || change.account_id || ':' || change.deal_id || ':' || change.stage_id || ':'
           || cast(change.changed_at AT TIME ZONE 'UTC' AS text) AS input_key,
       change.batch_id,
       {hash}(change.stage_id{end}) AS content_hash,
       coalesce(person.person_id, '') AS unit_id
FROM core.stage_change AS change
LEFT JOIN core.deal AS deal
    ON deal.source = change.source AND deal.account_id = change.account_id AND deal.deal_id = change.deal_id
LEFT JOIN core.person_identifier AS person
    ON person.identifier_kind = 'contact_id' AND person.source = deal.source
    AND person.account_id = deal.account_id AND person.identifier = deal.contact_id
