with visit as (

    select week_start, cast(sum(visits) as bigint) as visits
    from {{ ref('int_weekly_visit') }}
    group by 1

),

ad as (

    select
        week_start,
        cast(sum(impressions) as bigint) as impressions,
        cast(sum(clicks) as bigint) as clicks,
        {{ sum_converted('cost_base', 'is_rate_missing') }} as ad_cost_base,
        {{ count_where('is_rate_missing') }} as missing_rate_count
    from {{ ref('stg_ad') }}
    group by 1

)

select
    coalesce(visit.week_start, ad.week_start) as week_start,
    visit.visits,
    ad.impressions,
    ad.clicks,
    ad.ad_cost_base,
    coalesce(ad.missing_rate_count, 0) as missing_rate_count
from visit
full outer join ad on ad.week_start = visit.week_start
