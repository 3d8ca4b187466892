with sold as (

    select
        month_start, channel,
        cast(count(*) as bigint) as orders,
        {{ count_where('has_amount') }} as priced_orders,
        {{ sum_converted('amount_base', 'is_rate_missing') }} as revenue_base,
        {{ count_where('is_rate_missing') }} as missing_rate_count
    from {{ ref('int_purchase') }}
    group by month_start, channel

),

since as (

    select
        cohort_month, channel, months_since, sum(customers) as customers,
        sum(sum(revenue_known_base)) over grown as revenue_known_base,
        sum(sum(missing_rate_count)) over grown as missing_rate_count
    from {{ ref('int_cohort_month') }}
    group by cohort_month, channel, months_since
    window grown as (partition by cohort_month, channel order by months_since)

),

won as (

    select
        since.cohort_month as month_start, since.channel,
        cast(max(since.customers) as bigint) as new_customers,
        cast(max(since.missing_rate_count) as bigint) as missing_rate_count,
        {{ money('case when max(since.missing_rate_count) = 0 then max(since.revenue_known_base) end') }} as lifetime_revenue_base,
        -- The first month counts as 1; a channel that costs nothing has nothing to pay back.
        min(case
            when since.missing_rate_count = 0 and spend.acquisition_cost_base > 0
                and since.revenue_known_base * {{ var('gross_margin') }} >= spend.acquisition_cost_base
            then since.months_since + 1
        end) as payback_months
    from since
    left join {{ ref('int_monthly_spend') }} as spend
        on spend.month_start = since.cohort_month and spend.channel = since.channel
    group by since.cohort_month, since.channel

),

place as (

    select month_start, channel from sold
    union distinct
    select month_start, channel from won
    union distinct
    select month_start, channel from {{ ref('int_monthly_spend') }}

),

row_of as (

    select
        place.month_start, place.channel, month.is_complete,
        case when spend.channel is null then {{ money('0') }} else spend.ad_cost_base end as ad_cost_base,
        case when spend.channel is null then {{ money('0') }} else spend.acquisition_cost_base end as acquisition_cost_base,
        coalesce(won.new_customers, 0) as new_customers,
        coalesce(sold.orders, 0) as orders,
        sold.priced_orders,
        case when sold.channel is null then {{ money('0') }} else sold.revenue_base end as revenue_base,
        won.lifetime_revenue_base,
        won.payback_months,
        coalesce(spend.missing_rate_count, 0) + coalesce(sold.missing_rate_count, 0) as missing_rate_count
    from place
    left join {{ ref('int_month') }} as month on month.month_start = place.month_start
    left join {{ ref('int_monthly_spend') }} as spend on spend.month_start = place.month_start and spend.channel = place.channel
    left join sold on sold.month_start = place.month_start and sold.channel = place.channel
    left join won on won.month_start = place.month_start and won.channel = place.channel

)

select
    month_start,
    channel,
    is_complete,
    ad_cost_base,
    acquisition_cost_base,
    new_customers,
    {{ ratio('acquisition_cost_base', 'new_customers') }} as cac_base,
    orders,
    revenue_base,
    {{ ratio('revenue_base', 'priced_orders') }} as average_order_value_base,
    {{ ratio('lifetime_revenue_base', 'new_customers') }} as ltv_observed_base,
    {{ ratio('lifetime_revenue_base * ' ~ var('gross_margin'), 'acquisition_cost_base') }} as ltv_to_cac,
    payback_months,
    case
        when new_customers = 0 then 'no_customers'
        when acquisition_cost_base is null or lifetime_revenue_base is null then 'missing_rate'
        when acquisition_cost_base = 0 then 'no_cost'
        when payback_months is null then 'not_yet'
        else 'paid_back'
    end as payback_status,
    cast(missing_rate_count as bigint) as missing_rate_count,
    '{{ var("base_currency") }}' as currency
from row_of
