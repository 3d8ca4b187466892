with day as (

    select
        ad.report_date, origin.channel,
        sum(ad.cost_base) as cost_base,
        {{ count_where('ad.is_rate_missing') }} as missing_rate_count
    from {{ ref('stg_ad') }} as ad
    inner join {{ ref('int_origin_channel') }} as origin on origin.origin_id = ad.origin_id
    group by ad.report_date, origin.channel

),

counted as (

    select
        {{ first_of_month('report_date') }} as month_start, channel, cost_base, missing_rate_count,
        cast(0 as numeric(18, 6)) as acquisition_cost_base, 0 as acquisition_missing_count
    from day

    union all

    select
        {{ first_of_month('report_date + ' ~ var('spend_lag_days')) }}, channel, 0, 0, cost_base, missing_rate_count
    from day
    {%- if var('spend_excludes_channels') %}
    where channel not in ('{{ var("spend_excludes_channels") | join("', '") }}')
    {%- endif %}

)

select
    month_start,
    channel,
    {{ sum_converted('cost_base', 'missing_rate_count > 0') }} as ad_cost_base,
    {{ sum_converted('acquisition_cost_base', 'acquisition_missing_count > 0') }} as acquisition_cost_base,
    cast(sum(missing_rate_count) as bigint) as missing_rate_count
from counted
group by month_start, channel
