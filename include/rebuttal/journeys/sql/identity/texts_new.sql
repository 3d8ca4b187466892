-- Records that are new or say something else than when they were last resolved, as text: looked for among those of new
-- batches and those that more than one row has a say in.
CREATE TEMPORARY TABLE identity_candidate AS
SELECT now.*, {record_key} AS record_key, {content_key} AS content_key FROM identity_evidence_new AS now;
CREATE TEMPORARY TABLE identity_was AS
SELECT past.* FROM core.identity_record AS past
WHERE past.record_key IN (SELECT record_key FROM identity_candidate);
CREATE TEMPORARY TABLE identity_text AS
SELECT now.* FROM identity_candidate AS now
WHERE NOT EXISTS (
    SELECT 1 FROM identity_was AS past WHERE past.record_key = now.record_key AND past.content_key = now.content_key
);
CREATE TEMPORARY TABLE identity_gone AS
SELECT * FROM identity_was WHERE record_key IN (SELECT record_key FROM identity_text)
