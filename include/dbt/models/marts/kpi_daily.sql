with recursive event as (

    select {{ utc_date('converted_at') }} as date_day, 'lead' as event, cast(null as numeric(18, 6)) as amount_base, false as is_rate_missing
    from {{ ref('int_conversion') }} where conversion_type = 'lead'
    union all
    select {{ utc_date('created_at') }}, 'deal', null, false
    from {{ ref('stg_deal') }} where created_at is not null
    union all
    select {{ utc_date('closed_at') }}, outcome, amount_base, is_rate_missing
    from {{ ref('stg_deal') }} where outcome <> 'open' and closed_at is not null

),

sales as (

    select
        date_day,
        {% for name in ['lead', 'deal', 'won', 'lost'] -%}
        {{ count_where("event = '" ~ name ~ "'") }} as {{ name }}_count,
        {% endfor -%}
        {{ sum_converted("case when event = 'won' then amount_base end", "event = 'won' and is_rate_missing") }} as revenue_base,
        {{ count_where("event = 'won' and is_rate_missing") }} as missing_rate_count
    from event
    group by 1

),

visit as (

    select date_day, cast(sum(visits) as bigint) as visits from {{ ref('int_daily_visit') }} group by 1

),

ad as (

    select
        report_date as date_day,
        cast(sum(impressions) as bigint) as impressions,
        cast(sum(clicks) as bigint) as clicks,
        {{ sum_converted('cost_base', 'is_rate_missing') }} as ad_cost_base,
        {{ count_where('is_rate_missing') }} as missing_rate_count
    from {{ ref('stg_ad') }}
    group by 1

),

bound as (

    select min(date_day) as first_day, max(date_day) as last_day
    from (
        select date_day from sales
        union all
        select date_day from visit
        union all
        select date_day from ad
    ) as any_day

),

one_day as (

    select first_day as date_day from bound where first_day is not null
    union all
    select cast(one_day.date_day + 1 as date) from one_day cross join bound where one_day.date_day < bound.last_day

)

select
    one_day.date_day,
    coalesce(one_day.date_day + 1 <= covered.until_date, true) as is_complete,
    -- Counted by whole tables, so no row means none; reach has gaps where nothing was pulled, and they stay gaps.
    visit.visits,
    ad.impressions,
    ad.clicks,
    ad.ad_cost_base,
    {% for name, shown in [('lead', 'leads'), ('deal', 'deals_created'), ('won', 'deals_won'), ('lost', 'deals_lost')] -%}
    coalesce(sales.{{ name }}_count, 0) as {{ shown }},
    {% endfor -%}
    case when sales.date_day is null then {{ money('0') }} else sales.revenue_base end as revenue_base,
    '{{ var("base_currency") }}' as currency,
    cast(coalesce(ad.missing_rate_count, 0) + coalesce(sales.missing_rate_count, 0) as bigint) as missing_rate_count
from one_day
cross join {{ ref('int_covered') }} as covered
left join sales on sales.date_day = one_day.date_day
left join visit on visit.date_day = one_day.date_day
left join ad on ad.date_day = one_day.date_day
