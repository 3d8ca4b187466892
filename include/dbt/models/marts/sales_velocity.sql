select
    month_start,
    cast(step_order as bigint) as step_order,
    step,
    is_measured,
    cast(count(*) as bigint) as entered,
    case when is_measured then {{ count_where('is_reached') }} end as reached,
    case when is_measured then {{ count_where('is_lost') }} end as lost,
    case when is_measured then {{ count_where('not is_reached and not is_lost') }} end as censored,
    {{ count_where('is_out_of_order') }} as out_of_order,
    {{ quantile('days', 0.25) }} as q1_days,
    {{ quantile('days', 0.5) }} as median_days,
    {{ quantile('days', 0.75) }} as q3_days
from {{ ref('int_sales_step') }}
group by month_start, step_order, step, is_measured
