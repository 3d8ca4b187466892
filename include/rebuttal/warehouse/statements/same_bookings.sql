-- ops.same_booking as core and the rule say it now: pairs of different systems (source and account) that agree in partner,
-- a personal customer hash, service, specialist where both name one, and start within {{ minutes }} minutes.
--   known   living bookings with their place: systems in the configured order (others after them by name), then the
--           earliest created, then the key
--   met     a booking and a better one that is the same; a better one that itself has a better one does not count, so
--           that near misses never chain
create {{ scratch }} {{ resolved }} as
with known as (
    select booking.source, booking.account_id, booking.booking_id, partner_id, starts_at,
        lower(trim(coalesce(service, ''))) as service, lower(trim(specialist)) as specialist,
        case when email_kind = 'personal' then email_hash end as email_hash,
        case when phone_kind = 'personal' then phone_hash end as phone_hash,
        row_number() over (
            order by {{ rank }}, source{{ collation }}, account_id{{ collation }}, created_at nulls last,
                booking_id{{ collation }}
        ) as place
    from core.booking as booking
    where not coalesce(is_deleted, false)
),
pair as (
    select worse.place as worse_place, better.place as better_place,
        case when worse.phone_hash = better.phone_hash then 'phone' else 'email' end as matched_by
    from known as worse
    join known as better on better.partner_id = worse.partner_id and better.service = worse.service
        and better.place < worse.place
        and (better.source <> worse.source or better.account_id <> worse.account_id)
        and (better.phone_hash = worse.phone_hash or better.email_hash = worse.email_hash)
        and coalesce(better.specialist = worse.specialist, true)
        and better.starts_at between worse.starts_at - interval '{{ minutes }} minutes'
            and worse.starts_at + interval '{{ minutes }} minutes'
),
met as (
    select worse_place, min(better_place) as better_place from pair
    where better_place not in (select worse_place from pair)
    group by worse_place
)
select worse.source, worse.account_id, worse.booking_id, better.source as survivor_source,
    better.account_id as survivor_account_id, better.booking_id as survivor_booking_id, pair.matched_by
from met
join pair on pair.worse_place = met.worse_place and pair.better_place = met.better_place
join known as worse on worse.place = met.worse_place
join known as better on better.place = met.better_place
