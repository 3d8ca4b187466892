-- The lost reasons as they are written in each CRM. Grain: source, account_id and the value word for word.
SELECT source, account_id, lost_reason AS value, md5(lost_reason) AS text_hash, count(*) AS deal_count
FROM core.deal
WHERE NOT coalesce(is_deleted, FALSE) AND lost_reason IS NOT NULL AND trim(lost_reason) <> ''
GROUP BY source, account_id, lost_reason
ORDER BY source, account_id, lost_reason
