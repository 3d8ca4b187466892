select
    {{ utc_date('occurred_at') }} as date_day,
    source,
    account_id,
    channel,
    cast(count(*) as bigint) as visits
from {{ ref('touchpoint') }}
where kind = 'visit'
group by 1, 2, 3, 4
