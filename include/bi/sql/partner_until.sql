-- One row: until when bookings are known. It says nothing of any partner.
select
    (select cast(max(covered_until) - interval '1' second as date) from quality_stream where entity = 'booking') as bookings_until,
    (select max(published_at) from publication) as published_at,
    case
        when (select count(*) from publication) = 0 then 'Nothing is published yet.'
        when (select max(covered_until) from quality_stream where entity = 'booking') is null then 'No bookings have come yet.'
        else 'Bookings as the booking system gave them.'
    end as state
