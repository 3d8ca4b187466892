with stage as (

    select week_start, 1 as stage_order, 'visit' as stage, visits as entered_count from {{ ref('kpi_weekly') }}
    union all
    select week_start, 2, 'lead', leads from {{ ref('kpi_weekly') }}
    union all
    select week_start, 3, 'mql', mqls from {{ ref('kpi_weekly') }}
    union all
    select week_start, 4, 'sql', sqls from {{ ref('kpi_weekly') }}
    union all
    select week.week_start, 5, 'proposal', coalesce(sales.proposal_count, 0)
    from {{ ref('kpi_weekly') }} as week
    left join {{ ref('int_weekly_sales') }} as sales on sales.week_start = week.week_start
    union all
    select week_start, 6, 'won', deals_won from {{ ref('kpi_weekly') }}

)

select
    week_start,
    cast(stage_order as bigint) as stage_order,
    stage,
    entered_count,
    {{ ratio('entered_count', 'lag(entered_count) over (partition by week_start order by stage_order)') }} as rate_from_previous
from stage
