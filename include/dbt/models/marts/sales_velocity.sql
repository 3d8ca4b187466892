select
    month_start,
    cast(step_order as bigint) as step_order,
    step,
    {{ count_where('is_time_unknown') }} = 0 or {{ count_where('days is not null') }} > 0 as is_measured,
    cast(count(*) as bigint) as entered,
    {{ count_where('is_reached') }} as reached,
    {{ count_where('is_lost') }} as lost,
    {{ count_where('not is_reached and not is_lost') }} as censored,
    {{ count_where('is_out_of_order') }} as out_of_order,
    {{ count_where('is_time_unknown') }} as time_unknown,
    {{ quantile('days', 0.25) }} as q1_days,
    {{ quantile('days', 0.5) }} as median_days,
    {{ quantile('days', 0.75) }} as q3_days
from {{ ref('int_sales_step') }}
group by month_start, step_order, step
