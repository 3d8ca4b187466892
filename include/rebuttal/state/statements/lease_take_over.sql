-- Take a lease from a holder that is known to be gone, if it is still the one that was seen.
UPDATE lease
SET token = token + 1, holder = :holder, taken_at = {now}, expires_at = {later}
WHERE resource = :resource AND token = :seen_token AND holder = :seen_holder
RETURNING token
