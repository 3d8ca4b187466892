select
    {{ week_start('occurred_at') }} as week_start,
    source,
    account_id,
    channel,
    cast(count(*) as bigint) as visits,
    max(occurred_at) as last_visit_at
from {{ ref('touchpoint') }}
where kind = 'visit'
group by 1, 2, 3, 4
