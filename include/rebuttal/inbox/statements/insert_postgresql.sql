-- Events whose delivery is not known, all of a batch as one JSON document (bodies in hex, times in ISO 8601), in its
-- order; received is when. One message to the server, whatever the number of events.
INSERT INTO inbox_event (
    source, key_hash, delivery_key, event_type, object_type, object_id, occurred_at, partner, body, body_hash, state,
    reason, received_at, last_received_at, finished_at, receipt_count, attempts, lost_count, next_try_at
)
SELECT
    event.source, event.key_hash, event.delivery_key, event.event_type, event.object_type, event.object_id,
    event.occurred_at, event.partner, decode(event.body, 'hex'), event.body_hash, event.state,
    event.reason, batch.received_at, batch.received_at,
    CASE WHEN event.state <> 'new' THEN batch.received_at END, 1, 0, 0, timestamptz 'epoch'
FROM (SELECT %(received_at)s::timestamptz AS received_at) AS batch,
    json_to_recordset(%(events)s::json) AS event (
        source text, key_hash text, delivery_key text, event_type text, object_type text, object_id text,
        occurred_at timestamptz, partner text, body text, body_hash text, state text, reason text
    )
ON CONFLICT (source, key_hash) DO NOTHING
