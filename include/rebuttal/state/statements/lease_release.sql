-- Say that the work has ended. Changes nothing when somebody else holds the lease by now.
UPDATE lease
SET holder = NULL, taken_at = NULL, expires_at = NULL
WHERE resource = :resource AND token = :token AND holder = :holder
