-- One row per booking; its unit is the person that int_booking_served gives it.
SELECT booking.source || ':' || booking.account_id || ':' || booking.booking_id AS input_key,
       booking.batch_id,
       {hash}(booking.partner_id, booking.starts_at, booking.amount,
              booking.currency, booking.status, booking.is_deleted, same.booking_id{end}) AS content_hash,
       coalesce(guest.person_id, '') AS unit_id
FROM core.booking AS booking
LEFT JOIN core.person_identifier AS guest
    ON guest.identifier_kind = 'booking_id' AND guest.source = booking.source
    AND guest.account_id = booking.account_id AND guest.identifier = booking.booking_id
LEFT JOIN ops.same_booking AS same
    ON same.source = booking.source AND same.account_id = booking.account_id AND same.booking_id = booking.booking_id
