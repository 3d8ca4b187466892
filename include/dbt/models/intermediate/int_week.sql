with recursive bound as (

    select min(week_start) as first_week, max(week_start) as last_week
    from (
        select week_start from {{ ref('int_weekly_reach') }}
        union all
        select week_start from {{ ref('int_weekly_sales') }}
        union all
        select week_start from {{ ref('int_weekly_nps') }}
    ) as any_week

),

week as (

    select first_week as week_start from bound where first_week is not null
    union all
    select cast(week.week_start + 7 as date) from week cross join bound where week.week_start < bound.last_week

)

select
    week.week_start,
    week.week_start < cast('{{ var("running_week_start") }}' as date)
    and coalesce(week.week_start + 7 <= covered.until_date, true) as is_complete
from week
cross join {{ ref('int_covered') }} as covered
