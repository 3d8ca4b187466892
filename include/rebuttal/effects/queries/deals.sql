-- How deals ended. Grain: source, account_id, deal_id.
SELECT deal_id, source, account_id, created_at, closed_at, outcome
FROM marts.deal
WHERE created_at < :until
ORDER BY deal_id, source, account_id
