with place as (

    select
        channel,
        {% for name in ['conversions', 'opener', 'assist', 'closer', 'after_sale'] -%}
        cast(sum({{ name }}) as bigint) as {{ name }}{% if not loop.last %},{% endif %}
        {% endfor -%}
    from {{ ref('int_person_place') }}
    group by channel

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

spent as (

    select channel, {{ sum_converted('ad_cost_base', 'ad_cost_base is null') }} as ad_cost_base
    from {{ ref('int_monthly_spend') }}
    group by channel

)

select
    declared.channel,
    declared.declared_role,
    coalesce(seen.touches, 0) as touches,
    {% for name in ['after_sale', 'conversions', 'opener', 'assist', 'closer'] %}coalesce(place.{{ name }}, 0) as {{ name }}, {% endfor %}
    case when spent.channel is null then {{ money('0') }} else spent.ad_cost_base end as ad_cost_base
from {{ source('ops', 'channel_declared') }} as declared
left join seen on seen.channel = declared.channel
left join place on place.channel = declared.channel
left join spent on spent.channel = declared.channel
