-- The same, looked for among all records; then those that core does not have any more, or has in other words.
CREATE TEMPORARY TABLE identity_key AS
SELECT {record_key} AS record_key, {content_key} AS content_key FROM identity_evidence AS now;
CREATE TEMPORARY TABLE identity_other AS
SELECT now.record_key FROM identity_key AS now
WHERE NOT EXISTS (
    SELECT 1 FROM core.identity_record AS past
    WHERE past.record_key = now.record_key AND past.content_key = now.content_key
);
CREATE TEMPORARY TABLE identity_text AS
SELECT now.*
FROM (SELECT now.*, {record_key} AS record_key, {content_key} AS content_key FROM identity_evidence AS now) AS now
WHERE now.record_key IN (SELECT record_key FROM identity_other);
CREATE TEMPORARY TABLE identity_gone AS
SELECT past.* FROM core.identity_record AS past
WHERE past.record_key IN (SELECT record_key FROM identity_text) OR NOT EXISTS (
    SELECT 1 FROM identity_key AS now
    WHERE now.record_key = past.record_key AND now.content_key = past.content_key
)
