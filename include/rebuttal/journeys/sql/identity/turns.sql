CREATE TEMPORARY TABLE identity_turn AS
SELECT now.record_key, row_number() OVER (ORDER BY now.client_id{collation}) AS turn
FROM (
    SELECT now.client_id, {record_key} AS record_key FROM identity_evidence AS now
    WHERE now.record_kind IN ('gclid', 'yclid')
) AS now
WHERE now.record_key IN (SELECT record_key FROM identity_tied)
