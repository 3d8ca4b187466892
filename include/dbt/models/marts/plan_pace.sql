with rule as (

    select pacing, tolerance from {{ source('ops', 'plan_rule') }}

),

known as (

    select first_date, until_date from {{ ref('source_window') }} where family = 'ads'

),

spend as (

    select
        ad.report_date, {{ first_of_month('ad.report_date') }} as month_start, origin.channel,
        sum(ad.cost_base) as cost_base,
        {{ count_where('ad.is_rate_missing') }} as missing_rate_count
    from {{ ref('stg_ad') }} as ad
    inner join {{ ref('int_origin_channel') }} as origin on origin.origin_id = ad.origin_id
    where ad.report_date >= (select min(month_start) from {{ source('ops', 'plan_budget') }}) - 56
    group by 1, 2, 3

),

budget as (

    select month_start, channel, {{ money('sum(amount)') }} as budget_base
    from {{ source('ops', 'plan_budget') }}
    group by month_start, channel

),

month as (

    select distinct month_start from budget

),

-- What the weekdays of the eight weeks before the month took, where those are known whole; otherwise all days weigh the same.
habit as (

    select month.month_start, extract(isodow from spend.report_date) as weekday, sum(spend.cost_base) as cost_base
    from month
    cross join rule
    inner join spend on spend.report_date >= month.month_start - 56 and spend.report_date < month.month_start
    where rule.pacing = 'weekday'
        and month.month_start <= (select until_date from known)
        and month.month_start - 56 >= (select min(report_date) from spend)
    group by 1, 2

),

weighted as (

    select month_start from habit group by month_start having sum(cost_base) > 0

),

day as (

    select
        month.month_start,
        month.month_start + number.n as date_day,
        weighted.month_start is not null as is_weekday_pace,
        case when weighted.month_start is null then 1 else coalesce(habit.cost_base, 0) end as weight
    from month
    cross join ({% for n in range(31) %}select {{ n }} as n{% if not loop.last %} union all {% endif %}{% endfor %}) as number
    left join weighted on weighted.month_start = month.month_start
    left join habit
        on habit.month_start = month.month_start and habit.weekday = extract(isodow from month.month_start + number.n)
    where month.month_start + number.n < cast(month.month_start + interval '1 month' as date)

),

pace as (

    select
        day.month_start, day.is_weekday_pace,
        cast(max(day.date_day) + 1 as date) as next_month,
        cast(sum(case when day.date_day < known.until_date then day.weight else 0 end) as double precision) / sum(day.weight) as share_elapsed
    from day
    left join known on true
    group by day.month_start, day.is_weekday_pace

),

spent as (

    select
        spend.month_start, spend.channel,
        {{ sum_converted('spend.cost_base', 'spend.missing_rate_count > 0') }} as spent_base
    from spend
    cross join known
    where spend.report_date < known.until_date
    group by spend.month_start, spend.channel

),

place as (

    select month_start, channel from budget
    union distinct
    select spent.month_start, spent.channel from spent inner join month on month.month_start = spent.month_start
    where spent.spent_base is null or spent.spent_base > 0

),

row_of as (

    select
        place.month_start, place.channel, rule.tolerance, pace.share_elapsed, pace.is_weekday_pace,
        budget.budget_base,
        -- A month of which a part is not known has no figure.
        known.first_date > place.month_start as is_before_data,
        case
            when known.until_date > place.month_start and known.first_date <= place.month_start
            then least(known.until_date, pace.next_month)
        end as measured_until,
        known.until_date >= pace.next_month as is_complete,
        case
            when spent.channel is null then {{ money('0') }}
            else spent.spent_base
        end as spent_base
    from place
    cross join rule
    inner join pace on pace.month_start = place.month_start
    left join known on true
    left join budget on budget.month_start = place.month_start and budget.channel = place.channel
    left join spent on spent.month_start = place.month_start and spent.channel = place.channel

),

foreseen as (

    select
        month_start, channel, tolerance, share_elapsed, is_weekday_pace, budget_base, measured_until, is_complete, is_before_data,
        case when measured_until is not null then spent_base end as spent_base,
        case when measured_until is not null then {{ money('budget_base * share_elapsed') }} end as expected_base,
        case when measured_until is not null then {{ money('spent_base / nullif(share_elapsed, 0)') }} end as forecast_base
    from row_of

)

select
    month_start,
    channel,
    budget_base,
    spent_base,
    expected_base,
    forecast_base,
    {{ ratio('spent_base', 'budget_base') }} as spent_share,
    measured_until,
    coalesce(is_complete, false) as is_complete,
    case when is_weekday_pace then 'weekday' else 'even' end as pace,
    case
        when is_before_data then 'before_data'
        when measured_until is null then 'no_data_yet'
        when budget_base is null then 'unplanned'
        when spent_base is null then 'missing_rate'
        -- What is spent cannot come back.
        when spent_base > budget_base * (1 + tolerance) then 'over'
        when share_elapsed < {{ plan_too_early() }} then 'too_early'
        when forecast_base > budget_base * (1 + tolerance) then 'over'
        when forecast_base < budget_base * (1 - tolerance) then 'under'
        else 'on'
    end as state,
    '{{ var("base_currency") }}' as currency
from foreseen
