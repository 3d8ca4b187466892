with month as (

    select
        cohort_month, months_since, month_start, is_complete,
        sum(customers) as customers, sum(orders) as orders, sum(buyers) as buyers, sum(second_orders) as second_orders,
        sum(revenue_known_base) as revenue_known_base, sum(missing_rate_count) as missing_rate_count,
        sum(unpriced_orders) as unpriced_orders
    from {{ ref('int_cohort_month') }}
    group by cohort_month, months_since, month_start, is_complete

),

spend as (

    select month_start, {{ sum_converted('acquisition_cost_base', 'acquisition_cost_base is null') }} as acquisition_cost_base
    from {{ ref('int_monthly_spend') }}
    group by month_start

),

added as (

    select
        month.*,
        sum(revenue_known_base) over since as cumulative_known_base,
        sum(missing_rate_count) over since as cumulative_missing_count,
        sum(second_orders) over since as repeat_customers,
        case when spend.month_start is null then {{ money('0') }} else spend.acquisition_cost_base end as acquisition_cost_base
    from month
    left join spend on spend.month_start = month.cohort_month
    window since as (partition by month.cohort_month order by month.months_since)

)

select
    cohort_month,
    months_since,
    month_start,
    is_complete,
    cast(customers as bigint) as customers,
    cast(buyers as bigint) as buyers,
    cast(orders as bigint) as orders,
    {{ money('case when missing_rate_count = 0 then revenue_known_base end') }} as revenue_base,
    {{ money('case when cumulative_missing_count = 0 then cumulative_known_base end') }} as cumulative_revenue_base,
    {{ ratio('case when cumulative_missing_count = 0 then cumulative_known_base end', 'customers') }} as ltv_observed_base,
    cast(repeat_customers as bigint) as repeat_customers,
    {{ ratio('repeat_customers', 'customers') }} as repeat_rate,
    acquisition_cost_base,
    {{ ratio('acquisition_cost_base', 'customers') }} as cac_base,
    case when cumulative_missing_count = 0
        then cumulative_known_base * {{ var('gross_margin') }} >= acquisition_cost_base
    end as is_paid_back,
    cast(unpriced_orders as bigint) as unpriced_orders,
    cast(cumulative_missing_count as bigint) as missing_rate_count,
    '{{ var("base_currency") }}' as currency
from added
