-- The first time every record is new, and none is named.
CREATE TEMPORARY TABLE identity_delta AS
SELECT record_kind, source, account_id, record_id, false AS was, true AS is_there FROM identity_evidence
LIMIT 0
