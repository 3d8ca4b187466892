-- The bookings of one partner, one row each as its system told it last, without the keyed hashes of its customers.
SELECT
    source, account_id, booking_id, service, specialist, starts_at, created_at, updated_at, status, amount, currency,
    is_deleted
FROM core.booking
WHERE partner_id = :partner
ORDER BY source, account_id, booking_id
