-- One row per note, call or message; its unit is the person of its contact, else of its deal, else the touch itself.
SELECT said.kind || ':' || said.source || ':' || said.account_id || ':' || said.conversation_id AS input_key,
       said.batch_id,
       {hash}(said.occurred_at, said.contact_id, said.deal_id, said.is_deleted{end}) AS content_hash,
       coalesce(
           person.person_id, buyer.person_id,
           said.kind || ':' || said.source || ':' || said.account_id || ':' || said.conversation_id
       ) AS unit_id
FROM core.conversation AS said
LEFT JOIN core.person_identifier AS person
    ON person.identifier_kind = 'contact_id' AND person.source = said.source
    AND person.account_id = said.account_id AND person.identifier = said.contact_id
LEFT JOIN core.deal AS deal
    ON deal.source = said.source AND deal.account_id = said.account_id AND deal.deal_id = said.deal_id
    AND NOT coalesce(deal.is_deleted, FALSE)
LEFT JOIN core.person_identifier AS buyer
    ON buyer.identifier_kind = 'contact_id' AND buyer.source = deal.source
    AND buyer.account_id = deal.account_id AND buyer.identifier = deal.contact_id
