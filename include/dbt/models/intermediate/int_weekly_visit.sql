select
    {{ monday('date_day') }} as week_start,
    source,
    account_id,
    channel,
    cast(sum(visits) as bigint) as visits
from {{ ref('int_daily_visit') }}
group by 1, 2, 3, 4
