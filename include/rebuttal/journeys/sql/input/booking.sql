-- One row per booking; its unit is the person that int_booking_served gives it.
SELECT booking.source || ':' || booking.account_id || ':' || booking.booking_id AS input_key,
       booking.batch_id,
       {hash}(booking.email_hash, booking.phone_hash, booking.partner_id, booking.starts_at, booking.amount,
              booking.currency, booking.status, booking.is_deleted, same.booking_id{end}) AS content_hash,
       coalesce(by_email.person_id, by_phone.person_id, '') AS unit_id
FROM core.booking AS booking
LEFT JOIN core.person_identifier AS by_email
    ON by_email.identifier_kind = 'email_hash' AND by_email.identifier = booking.email_hash
LEFT JOIN core.person_identifier AS by_phone
    ON by_phone.identifier_kind = 'phone_hash' AND by_phone.identifier = booking.phone_hash
LEFT JOIN ops.same_booking AS same
    ON same.source = booking.source AND same.account_id = booking.account_id AND same.booking_id = booking.booking_id
