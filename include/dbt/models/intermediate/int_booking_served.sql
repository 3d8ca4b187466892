with booking as (

    select
        booking.source || ':' || booking.account_id || ':' || booking.booking_id as booking_key,
        guest.person_id,
        booking.partner_id, booking.starts_at, booking.amount, booking.currency
    from {{ source('core', 'booking') }} as booking
    -- Whose booking it is, identity has said: a partner's customers are known to that partner only.
    left join {{ source('core', 'person_identifier') }} as guest
        on guest.identifier_kind = 'booking_id'
        and guest.source = booking.source
        and guest.account_id = booking.account_id
        and guest.identifier = booking.booking_id
    left join {{ source('ops', 'same_booking') }} as same
        on same.source = booking.source and same.account_id = booking.account_id and same.booking_id = booking.booking_id
    where same.booking_id is null
        and not coalesce(booking.is_deleted, false)
        and lower(trim(booking.status)) in ({{ "'" ~ var('booking_served_statuses') | join("', '") ~ "'" }})

)

select
    booking.booking_key,
    booking.person_id,
    booking.partner_id,
    booking.starts_at,
    {{ money('booking.amount * rate.rate_to_base') }} as amount_base,
    booking.amount is not null and rate.rate_to_base is null as is_rate_missing
from booking
left join {{ ref('int_exchange_rate') }} as rate
    on rate.currency = booking.currency
    and rate.rate_date = {{ utc_date('booking.starts_at') }}
