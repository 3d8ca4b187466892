with path as (

    -- The only touch of a path opens and closes it.
    select
        touch.channel,
        cast(count(distinct touch.conversion_id) as bigint) as conversions,
        {{ count_where('touch.position = 1') }} as opener,
        {{ count_where('touch.position > 1 and touch.position < path.touch_count') }} as assist,
        {{ count_where('touch.position = path.touch_count') }} as closer
    from {{ ref('int_conversion_touch') }} as touch
    inner join (
        select conversion_id, max(position) as touch_count from {{ ref('int_conversion_touch') }} group by conversion_id
    ) as path on path.conversion_id = touch.conversion_id
    -- Other kinds of conversion lie on the same ways: they would count a way several times.
    where touch.conversion_type in ('lead', 'won')
    group by touch.channel

),

customer as (

    select person_id, min(first_purchased_at) as first_purchased_at
    from {{ ref('int_purchase') }}
    where person_id is not null
    group by person_id

),

seen as (

    select channel, cast(sum(touches) as bigint) as touches
    from (
        select channel, visits as touches from {{ ref('int_daily_visit') }}
        union all
        select channel, count(*) from {{ ref('touchpoint') }} where kind = 'survey' group by channel
    ) as counted
    group by channel

),

bought as (

    select touchpoint.channel, cast(count(*) as bigint) as after_sale
    from {{ ref('touchpoint') }} as touchpoint
    inner join customer on customer.person_id = touchpoint.person_id
    where touchpoint.kind in ('visit', 'survey') and touchpoint.occurred_at > customer.first_purchased_at
    group by touchpoint.channel

),

spent as (

    select channel, {{ sum_converted('ad_cost_base', 'ad_cost_base is null') }} as ad_cost_base
    from {{ ref('int_monthly_spend') }}
    group by channel

)

select
    declared.channel,
    declared.declared_role,
    coalesce(seen.touches, 0) as touches,
    coalesce(bought.after_sale, 0) as after_sale,
    {% for name in ['conversions', 'opener', 'assist', 'closer'] %}coalesce(path.{{ name }}, 0) as {{ name }}, {% endfor %}
    case when spent.channel is null then {{ money('0') }} else spent.ad_cost_base end as ad_cost_base
from {{ source('ops', 'channel_declared') }} as declared
left join seen on seen.channel = declared.channel
left join bought on bought.channel = declared.channel
left join path on path.channel = declared.channel
left join spent on spent.channel = declared.channel
