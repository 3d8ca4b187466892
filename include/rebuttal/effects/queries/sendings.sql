-- Notes and calls that hold a link to a site where measured content stands. Grain: conversation.
SELECT
    said.kind, said.source, said.account_id, said.conversation_id, said.occurred_at,
    coalesce(deal.person_id, contact.person_id) AS person_id, lower(said.body) AS body
FROM core.conversation AS said
LEFT JOIN marts.deal AS deal
    ON said.deal_id = deal.deal_id AND said.source = deal.source AND said.account_id = deal.account_id
LEFT JOIN core.person_identifier AS contact
    ON
        contact.identifier_kind = 'contact_id' AND said.contact_id = contact.identifier
        AND said.source = contact.source AND said.account_id = contact.account_id
WHERE
    NOT coalesce(said.is_deleted, FALSE)
    AND said.occurred_at < :until
    AND strpos(lower(said.body), :host) > 0
ORDER BY said.occurred_at, said.source, said.account_id, said.kind, said.conversation_id
