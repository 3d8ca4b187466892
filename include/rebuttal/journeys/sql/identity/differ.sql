-- Which records are new, changed or gone since they were last resolved. Should two have the same key, both are.
CREATE TEMPORARY TABLE identity_delta AS
SELECT coalesce(now.record_key, past.record_key) AS record_key, bool_or(past.record_key IS NOT NULL) AS was,
    bool_or(now.record_key IS NOT NULL) AS is_there
FROM (SELECT {record_key} AS record_key, {content_key} AS content_key FROM identity_evidence AS now) AS now
FULL OUTER JOIN core.identity_record AS past ON past.record_key = now.record_key
WHERE now.content_key IS DISTINCT FROM past.content_key
GROUP BY coalesce(now.record_key, past.record_key)
