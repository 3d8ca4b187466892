-- Bookings with one of the person's addresses. Grain: kind, source, account_id, value; repeats.
WITH known AS (SELECT * FROM {known} AS known)
SELECT DISTINCT 'booking_id' AS kind, source, account_id, booking_id AS value
FROM core.booking
WHERE email_hash IN (SELECT value FROM known WHERE kind = 'email_hash')
    OR phone_hash IN (SELECT value FROM known WHERE kind = 'phone_hash')
