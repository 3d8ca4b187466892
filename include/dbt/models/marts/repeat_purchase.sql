with covered as (

    select max(cast(month_start + interval '1 month' as date)) as until_date from {{ ref('int_month') }} where is_complete

),

customer as (

    select
        person_id, cohort_month, min(segment) as segment,
        max({{ utc_date('first_purchased_at') }}) + {{ var('repeat_window_days') }} <= max(covered.until_date) as is_observed,
        max(case
            when purchase_number = 2 and {{ days_between('first_purchased_at', 'purchased_at') }} <= {{ var('repeat_window_days') }}
            then 1 else 0
        end) as has_repeated
    from {{ ref('int_purchase') }}
    cross join covered
    where person_id is not null
    group by person_id, cohort_month

),

rate as (

    select
        cohort_month,
        cast(count(*) as bigint) as customers,
        {{ count_where('is_observed') }} as observed_customers,
        {{ count_where('is_observed and has_repeated = 1') }} as repeat_customers
    from customer
    group by cohort_month

),

gap as (

    select
        cohort_month,
        cast(count(*) as bigint) as repeat_orders,
        {% for name, share in [('interval_q1_days', 0.25), ('interval_median_days', 0.5), ('interval_q3_days', 0.75)] -%}
        {{ quantile(days_between('previous_purchased_at', 'purchased_at'), share) }} as {{ name }}{% if not loop.last %},{% endif %}
        {% endfor %}
    from {{ ref('int_purchase') }}
    where purchase_number > 1
    group by cohort_month

)

select
    rate.cohort_month,
    rate.customers,
    rate.observed_customers,
    rate.repeat_customers,
    {{ ratio('rate.repeat_customers', 'rate.observed_customers') }} as repeat_rate,
    cast({{ var('repeat_window_days') }} as bigint) as window_days,
    coalesce(gap.repeat_orders, 0) as repeat_orders,
    gap.interval_q1_days,
    gap.interval_median_days,
    gap.interval_q3_days
from rate
left join gap on gap.cohort_month = rate.cohort_month
