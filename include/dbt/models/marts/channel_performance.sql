with visit as (

    select week_start, channel, sum(visits) as visits
    from {{ ref('int_weekly_visit') }}
    group by 1, 2

),

ad as (

    select
        ad.week_start, origin.channel,
        sum(ad.impressions) as impressions, sum(ad.clicks) as clicks,
        {{ sum_converted('ad.cost_base', 'ad.is_rate_missing') }} as cost_base
    from {{ ref('stg_ad') }} as ad
    inner join {{ ref('int_origin_channel') }} as origin on origin.origin_id = ad.origin_id
    group by 1, 2

),

won as (

    select
        period_start as week_start, name as channel,
        sum(case when conversion_type = 'lead' then conversions else 0 end) as leads,
        sum(case when conversion_type = 'won' then conversions else 0 end) as deals_won,
        max(case when conversion_type = 'won' then 1 else 0 end) as has_won,
        {{ money("max(case when conversion_type = 'won' then value_base end)") }} as revenue_base
    from {{ ref('attribution') }}
    where model = 'last_non_direct' and period_kind = 'week' and dimension = 'channel'
        and conversion_type in ('lead', 'won')
    group by 1, 2

),

channel as (

    select week_start, channel from visit
    union distinct
    select week_start, channel from ad
    union distinct
    select week_start, channel from won

)

select
    channel.week_start,
    channel.channel,
    cast(coalesce(visit.visits, 0) as bigint) as visits,
    cast(coalesce(won.leads, 0) as bigint) as leads,
    cast(coalesce(won.deals_won, 0) as bigint) as deals_won,
    case when won.has_won = 1 then won.revenue_base else {{ money('0') }} end as revenue_base,
    case when ad.channel is null then {{ money('0') }} else ad.cost_base end as cost_base,
    cast(coalesce(ad.impressions, 0) as bigint) as impressions,
    cast(coalesce(ad.clicks, 0) as bigint) as clicks,
    {{ ratio('case when ad.channel is null then 0 else ad.cost_base end', 'won.leads') }} as cost_per_lead_base,
    {{ ratio('case when won.has_won = 1 then won.revenue_base else 0 end', 'ad.cost_base') }} as roas,
    '{{ var("base_currency") }}' as currency
from channel
left join visit on visit.week_start = channel.week_start and visit.channel = channel.channel
left join ad on ad.week_start = channel.week_start and ad.channel = channel.channel
left join won on won.week_start = channel.week_start and won.channel = channel.channel
