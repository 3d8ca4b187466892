-- Which records are new, changed or gone since they were last resolved.
CREATE TEMPORARY TABLE identity_delta AS
SELECT coalesce(now.record_kind, past.record_kind) AS record_kind, coalesce(now.source, past.source) AS source,
    coalesce(now.account_id, past.account_id) AS account_id, coalesce(now.record_id, past.record_id) AS record_id,
    past.record_id IS NOT NULL AS was, now.record_id IS NOT NULL AS is_there
FROM (SELECT record_kind, source, account_id, record_id, fingerprint FROM identity_evidence) AS now
FULL OUTER JOIN core.identity_record AS past
    ON past.record_id = now.record_id AND past.record_kind = now.record_kind AND past.source = now.source
    AND past.account_id = now.account_id
WHERE now.fingerprint IS DISTINCT FROM past.fingerprint
