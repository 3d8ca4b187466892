with week as (

    select
        week.week_start,
        week.is_complete,
        -- Counted by whole tables, so no row means none; reach has gaps where nothing was pulled, and they stay gaps.
        reach.visits, reach.impressions, reach.clicks, reach.ad_cost_base,
        {% for name in ['lead', 'mql', 'sql', 'deal', 'won', 'lost', 'customer', 'priced_won'] -%}
        coalesce(sales.{{ name }}_count, 0) as {{ name }}_count,
        {% endfor -%}
        case when sales.week_start is null then {{ money('0') }} else sales.revenue_base end as revenue_base,
        cast(coalesce(reach.missing_rate_count, 0) + coalesce(sales.missing_rate_count, 0) as bigint) as missing_rate_count,
        nps.nps
    from {{ ref('int_week') }} as week
    left join {{ ref('int_weekly_reach') }} as reach on reach.week_start = week.week_start
    left join {{ ref('int_weekly_sales') }} as sales on sales.week_start = week.week_start
    left join {{ ref('int_weekly_nps') }} as nps on nps.week_start = week.week_start

)

select
    week_start,
    is_complete,
    visits,
    impressions,
    clicks,
    {{ ratio('clicks', 'impressions') }} as ctr,
    {{ ratio('ad_cost_base', 'clicks') }} as cpc_base,
    ad_cost_base,
    lead_count as leads,
    {{ ratio('ad_cost_base', 'lead_count') }} as cost_per_lead_base,
    mql_count as mqls,
    sql_count as sqls,
    {{ ratio('sql_count', 'mql_count') }} as mql_to_sql_rate,
    deal_count as deals_created,
    won_count as deals_won,
    lost_count as deals_lost,
    {{ ratio('won_count', '(won_count + lost_count)') }} as win_rate,
    revenue_base,
    {{ ratio('revenue_base', 'priced_won_count') }} as average_order_value_base,
    {{ ratio('revenue_base', 'ad_cost_base') }} as roas,
    {{ ratio('ad_cost_base', 'customer_count') }} as cac_base,
    {{ ratio('lead_count', 'visits') }} as landing_conversion,
    nps,
    '{{ var("base_currency") }}' as currency,
    missing_rate_count
from week
