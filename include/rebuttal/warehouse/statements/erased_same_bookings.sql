-- Pairs of which one booking is gone; the next admission says again which are told twice.
delete from ops.same_booking
where not exists (
    select 1 from core.booking as booking
    where booking.source = same_booking.source and booking.account_id = same_booking.account_id
        and booking.booking_id = same_booking.booking_id
)
or not exists (
    select 1 from core.booking as booking
    where booking.source = same_booking.survivor_source and booking.account_id = same_booking.survivor_account_id
        and booking.booking_id = same_booking.survivor_booking_id
)
