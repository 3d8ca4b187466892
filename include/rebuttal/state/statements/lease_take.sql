-- Take a free lease, or one that has ended; a row comes back when it is ours. Who takes over from somebody who never said
-- that the work had ended gets the next token; after a clean end there is nobody to fence off, and the token stays.
INSERT INTO lease (resource, token, holder, taken_at, expires_at)
VALUES (:resource, 1, :holder, {now}, {later})
ON CONFLICT (resource) DO UPDATE SET
    token = lease.token + CASE WHEN lease.holder IS NULL THEN 0 ELSE 1 END,
    holder = excluded.holder,
    taken_at = excluded.taken_at,
    expires_at = excluded.expires_at
WHERE lease.holder IS NULL OR lease.expires_at <= {now}
RETURNING token
