with rule as (

    select tolerance from {{ source('ops', 'plan_rule') }}

),

goal as (

    select * from {{ source('ops', 'plan_goal') }}

),

reach as (

    select
        goal.goal_id,
        max(known.first_date) as known_from,
        case when count(known.family) = max(goal.family_count) then min(known.until_date) end as known_until
    from goal
    left join {{ ref('source_window') }} as known
        on ' ' || goal.families || ' ' like '% ' || known.family || ' %'
    group by goal.goal_id

),

day as (

    {% for name in ['visits', 'leads', 'deals_created', 'deals_won', 'revenue_base'] -%}
    select date_day, '{{ name }}' as measure, {{ money(name) }} as amount from {{ ref('kpi_daily') }}
    union all
    {% endfor -%}
    select date_day, 'deals_closed', {{ money('deals_won + deals_lost') }} from {{ ref('kpi_daily') }}
    union all
    -- A day without advertisements cost nothing; one with a missing rate is not known.
    select date_day, 'ad_cost_base', case when impressions is null then {{ money('0') }} else ad_cost_base end from {{ ref('kpi_daily') }}

),

counted as (

    select
        goal.goal_id,
        sum(case when day.measure = goal.counted then day.amount end) as numerator,
        sum(case when day.measure = goal.divided_by then day.amount end) as denominator,
        {{ count_where('day.amount is null') }} as unknown_day_count
    from goal
    inner join reach on reach.goal_id = goal.goal_id
    inner join day
        on day.measure in (goal.counted, goal.divided_by)
        and day.date_day >= goal.first_date and day.date_day <= goal.last_date and day.date_day < reach.known_until
    group by goal.goal_id

),

measured as (

    select
        goal.goal_id, goal.metric, goal.owner, goal.first_date, goal.last_date, goal.direction, goal.target,
        goal.divided_by is not null as is_ratio,
        rule.tolerance,
        case when goal.direction = 'at_least' then 1 else -1 end as sign,
        case when reach.known_until > goal.first_date then least(reach.known_until, cast(goal.last_date + 1 as date)) end as measured_until,
        reach.known_until > goal.last_date as is_over,
        reach.known_from <= goal.first_date and coalesce(counted.unknown_day_count, 0) = 0 as is_whole,
        coalesce(counted.unknown_day_count, 0) as unknown_day_count,
        cast(least(reach.known_until, cast(goal.last_date + 1 as date)) - goal.first_date as double precision)
            / (goal.last_date + 1 - goal.first_date) as share_elapsed,
        case
            when goal.divided_by is not null then {{ ratio('counted.numerator', 'counted.denominator') }}
            else cast(counted.numerator as double precision)
        end as value_so_far
    from goal
    cross join rule
    inner join reach on reach.goal_id = goal.goal_id
    left join counted on counted.goal_id = goal.goal_id

),

foreseen as (

    select
        measured.*,
        case when unknown_day_count = 0 then value_so_far end as current_value,
        case when is_whole then value_so_far / case when is_ratio then 1 else nullif(share_elapsed, 0) end end as forecast,
        value_so_far * sign >= target * sign as is_met,
        case when is_ratio then target * sign else target * (1 - sign * tolerance) * sign end as bar
    from measured

)

select
    goal_id,
    metric,
    owner,
    first_date,
    last_date,
    direction,
    cast(target as double precision) as target,
    case when measured_until is not null then current_value end as current_value,
    case when measured_until is not null then forecast end as forecast,
    case when measured_until is not null then share_elapsed end as share_elapsed,
    measured_until,
    case
        when measured_until is null then 'no_data_yet'
        when not is_whole or current_value is null then 'incomplete'
        when is_over and is_met then 'reached'
        when is_over then 'missed'
        when is_met and direction = 'at_least' and not is_ratio then 'reached'
        when not is_met and direction = 'at_most' and not is_ratio then 'missed'
        when share_elapsed < {{ plan_too_early() }} then 'too_early'
        when forecast * sign >= bar then 'on_track'
        else 'behind'
    end as state,
    '{{ var("base_currency") }}' as currency
from foreseen
