with covered as (

    select 'visits' as family, source, account_id, min(date_day) as first_date, max(date_day) + 1 as until_date
    from {{ ref('int_daily_visit') }} where date_day is not null group by source, account_id
    union all
    select 'ads', source, account_id, min(report_date), max(report_date) + 1
    from {{ ref('stg_ad') }} group by source, account_id
    union all
    select 'crm', source, account_id, {{ utc_date('min(happened_at)') }}, {{ utc_date('max(happened_at)') }} + 1
    from (
        select source, account_id, created_at as happened_at from {{ ref('stg_contact') }}
        union all
        select source, account_id, coalesce(closed_at, created_at) from {{ ref('stg_deal') }}
    ) as event
    where happened_at is not null group by source, account_id

)

select family, min(first_date) as first_date, cast(min(until_date) as date) as until_date
from covered
group by family
