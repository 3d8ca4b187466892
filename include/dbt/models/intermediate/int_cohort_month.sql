with cohort as (

    select cohort_month, first_channel as channel, segment, cast(count(*) as bigint) as customers
    from {{ ref('int_purchase') }}
    where purchase_number = 1
    group by cohort_month, first_channel, segment

),

bought as (

    select
        cohort_month, first_channel as channel, segment, month_start,
        cast(count(*) as bigint) as orders,
        {{ count_where('purchase_number > 1') }} as repeat_orders,
        {{ count_where('purchase_number = 2') }} as second_orders,
        cast(count(distinct person_id) as bigint) as buyers,
        {{ count_where('not has_amount') }} as unpriced_orders,
        coalesce(sum(amount_base), 0) as revenue_known_base,
        coalesce(sum(case when purchase_number > 1 then amount_base end), 0) as repeat_revenue_known_base,
        {{ count_where('is_rate_missing') }} as missing_rate_count
    from {{ ref('int_purchase') }}
    where person_id is not null
    group by cohort_month, first_channel, segment, month_start

)

select
    cohort.cohort_month,
    cohort.channel,
    cohort.segment,
    month.month_start,
    {{ months_between('cohort.cohort_month', 'month.month_start') }} as months_since,
    month.is_complete,
    cohort.customers,
    {% for name in ['orders', 'repeat_orders', 'second_orders', 'buyers', 'unpriced_orders', 'missing_rate_count'] -%}
    coalesce(bought.{{ name }}, 0) as {{ name }},
    {% endfor -%}
    {{ money('coalesce(bought.revenue_known_base, 0)') }} as revenue_known_base,
    {{ money('coalesce(bought.repeat_revenue_known_base, 0)') }} as repeat_revenue_known_base
from cohort
inner join {{ ref('int_month') }} as month on month.month_start >= cohort.cohort_month
left join bought
    on bought.cohort_month = cohort.cohort_month and bought.channel = cohort.channel
    and bought.segment = cohort.segment and bought.month_start = month.month_start
