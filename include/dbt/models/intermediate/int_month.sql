with recursive covered as (

    select coalesce(until_date, cast('{{ var("running_week_start") }}' as date)) as until_date from {{ ref('int_covered') }}

),

bound as (

    select min(month_start) as first_month, max(month_start) as last_month
    from (
        select month_start from {{ ref('int_purchase') }}
        union all
        select month_start from {{ ref('int_monthly_spend') }}
        union all
        -- The month in which sight ends is there even when nothing was bought in it.
        select {{ first_of_month('until_date - 1') }} from covered where until_date < cast('2999-01-01' as date)
    ) as any_month

),

month as (

    select first_month as month_start from bound where first_month is not null
    union all
    select cast(month.month_start + interval '1 month' as date)
    from month
    cross join bound
    where month.month_start < bound.last_month

)

select
    month.month_start,
    cast(month.month_start + interval '1 month' as date) <= covered.until_date as is_complete
from month
cross join covered
