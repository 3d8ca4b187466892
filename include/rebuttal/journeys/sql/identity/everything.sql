-- The first time every record is new, and none is named.
CREATE TEMPORARY TABLE identity_delta AS
SELECT {record_key} AS record_key, false AS was, true AS is_there FROM identity_evidence AS now
LIMIT 0
