-- One event, unless its delivery is known; ?13 is when it was received. What is the same for every new event stands here
-- and is not bound for each row.
INSERT INTO inbox_event (
    source, key_hash, delivery_key, event_type, object_type, object_id, occurred_at, partner, body, body_hash, state,
    reason, received_at, last_received_at, finished_at, receipt_count, attempts, lost_count, next_try_at
)
VALUES (
    ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11,
    ?12, ?13, ?13, CASE ?11 WHEN 'new' THEN NULL ELSE ?13 END, 1, 0, 0, '1970-01-01 00:00:00.000000'
)
ON CONFLICT (source, key_hash) DO NOTHING
