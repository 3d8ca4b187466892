-- One row per deal, deleted ones too; its unit is the person of its contact.
SELECT deal.source || ':' || deal.account_id || ':' || deal.deal_id AS input_key,
       deal.batch_id,
       {hash}(deal.contact_id, deal.company_id, deal.owner_id, deal.created_at, deal.closed_at, deal.pipeline_id,
              deal.stage_id, deal.amount, deal.currency, deal.lost_reason, deal.product, deal.deal_type, deal.is_won,
              deal.is_closed, deal.is_deleted{end}) AS content_hash,
       coalesce(person.person_id, '') AS unit_id
FROM core.deal AS deal
LEFT JOIN core.person_identifier AS person
    ON person.identifier_kind = 'contact_id' AND person.source = deal.source
    AND person.account_id = deal.account_id AND person.identifier = deal.contact_id
