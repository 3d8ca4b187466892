-- Contacts that deals name; some of them were never pulled or are gone.
SELECT source, account_id, contact_id, min(created_at) AS first_seen_at
FROM core.deal
WHERE contact_id <> ''
GROUP BY source, account_id, contact_id
