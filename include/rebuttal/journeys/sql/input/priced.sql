-- The units of everything whose exchange rate is of {day} or later: days of advertisements, persons with deals and bookings.
-- Rows of nobody are made again in any case. Days as in int_exchange_rate.
SELECT 'day:' || cast(report_date AS text) AS unit_id FROM core.ad_performance WHERE report_date >= {day}
UNION ALL
SELECT person.person_id
FROM core.deal AS deal
INNER JOIN core.person_identifier AS person
    ON person.identifier_kind = 'contact_id' AND person.source = deal.source
    AND person.account_id = deal.account_id AND person.identifier = deal.contact_id
WHERE cast((CASE WHEN deal.is_won OR deal.is_closed THEN coalesce(deal.closed_at, deal.created_at) ELSE deal.created_at END)
           AT TIME ZONE 'UTC' AS date) >= {day}
UNION ALL
SELECT guest.person_id
FROM core.booking AS booking
INNER JOIN core.person_identifier AS guest
    ON guest.identifier_kind = 'booking_id' AND guest.source = booking.source
    AND guest.account_id = booking.account_id AND guest.identifier = booking.booking_id
WHERE cast(booking.starts_at AT TIME ZONE 'UTC' AS date) >= {day}
