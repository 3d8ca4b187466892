-- What was talked about with a deal's customer before the deal was closed. Grain: source, account_id, kind, conversation_id.
SELECT
    said.kind, said.source, said.account_id, said.conversation_id, said.occurred_at, deal.deal_id,
    coalesce(deal.person_id, deal.deal_id) AS person_id, deal.segment, deal.owner_id, deal.channel
FROM core.conversation AS said
INNER JOIN marts.deal AS deal
    ON said.deal_id = deal.deal_id AND said.source = deal.source AND said.account_id = deal.account_id
WHERE
    said.kind IN ('note', 'call')
    AND NOT coalesce(said.is_deleted, FALSE)
    AND said.occurred_at < :until
    AND (deal.closed_at IS NULL OR said.occurred_at <= deal.closed_at)
ORDER BY said.occurred_at, said.source, said.account_id, said.kind, said.conversation_id
