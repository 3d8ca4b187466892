-- Hold on to a lease for longer; `grown` is the token from now on (the same, except after a store was restored).
UPDATE lease
SET expires_at = {later}, token = :grown
WHERE resource = :resource AND token = :token AND holder = :holder
RETURNING token
