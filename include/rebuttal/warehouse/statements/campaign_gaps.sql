{#- Campaigns where money and tagged visits do not meet. Grain: one row per kind, platform, campaign and currency.
    A combination of tags belongs to the campaign that the registry names (by id, else by name), else to the campaign
    whose advertisement carries these tags, else to the one whose id or name (any that it ever had) stands in
    utm_campaign; case and spaces do not matter. Tags that contradict the click id are nobody's.
    Days are days of the ad account: the window ends with the newest day that spend and visits both know. -#}
{%- macro folded(expression) -%} trim(regexp_replace(lower({{ expression }}), '\s+', ' ', 'g')) {%- endmacro %}
with link as (
    select platform, campaign_id, source, medium, campaign from {{ links }} as links
),
performance as (
    select replace(source, '_', '-') as platform, coalesce(time_zone, 'UTC') as time_zone, report_date, campaign_id,
        coalesce(campaign_name, '') as campaign_name, coalesce(currency, '') as currency,
        coalesce(cost, 0) as cost, coalesce(clicks, 0) as clicks,
        {{ folded("utm_source") }} as source, {{ folded("utm_medium") }} as medium,
        {{ folded("utm_campaign") }} as campaign
    from core.ad_performance
    where campaign_id is not null
),
zone as (
    select platform, max(time_zone) as time_zone, min(report_date) as first_date, max(report_date) as last_date
    from performance group by platform
    union all
    -- Platforms whose account is not pulled are looked at over the days of all others.
    select '', 'UTC', min(report_date), max(report_date) from performance having count(*) > 0
),
visited as (
    select min(started_at) as first_at, max(started_at) as last_at from core.visit
),
known as (
    select platform, time_zone,
        greatest(first_date, cast(first_at at time zone time_zone as date)) as first_date,
        least(last_date, cast(last_at at time zone time_zone as date)) as last_date
    from zone cross join visited
    where first_at is not null
),
period as (
    select platform, time_zone, last_date, greatest(first_date, last_date - ({{ days }} - 1)) as first_date
    from known
    where first_date <= last_date
),
combination as (
    select distinct {{ folded("coalesce(utm_source_norm, utm_source, '')") }} as source,
        {{ folded("coalesce(utm_medium_norm, utm_medium, '')") }} as medium,
        {{ folded("coalesce(utm_campaign_norm, utm_campaign, '')") }} as campaign
    from core.visit
    where coalesce(utm_campaign, '') <> '' and utm_status <> 'contradicts_click_id'
),
called as (
    select distinct platform, campaign_id, {{ folded("campaign_name") }} as campaign_name from performance
),
advertised as (
    select distinct platform, campaign_id, source, medium, campaign from performance where campaign is not null
),
candidate as (
    select 1 as rule, link.platform, coalesce(nullif(link.campaign_id, ''), called.campaign_id, '') as campaign_id,
        combination.source, combination.medium, combination.campaign
    from combination
    join link on link.source = combination.source and link.medium = combination.medium
        and link.campaign = combination.campaign
    left join called on link.campaign_id = '' and called.platform = link.platform
        and called.campaign_name = link.campaign
    where link.platform <> ''
    union all
    select 2, advertised.platform, advertised.campaign_id, combination.source, combination.medium, combination.campaign
    from combination
    join advertised on advertised.source = combination.source and advertised.medium = combination.medium
        and advertised.campaign = combination.campaign
    union all
    select 3, called.platform, called.campaign_id, combination.source, combination.medium, combination.campaign
    from combination
    join called on combination.campaign in (lower(called.campaign_id), called.campaign_name)
    union all
    -- Paid by their medium, and of no campaign that anybody knows.
    select 4, coalesce((
            select min(link.platform) from link where link.source = combination.source and link.platform <> ''
        ), ''), '', combination.source, combination.medium, combination.campaign
    from combination
    where combination.medium in (select medium from link where platform <> '')
        and not exists (
            select 1 from link where link.source = combination.source and link.medium = combination.medium
                and link.campaign = combination.campaign
        )
),
best as (
    select source, medium, campaign, min(rule) as rule from candidate group by source, medium, campaign
),
belongs as (
    select distinct candidate.* from candidate
    join best on best.source = candidate.source and best.medium = candidate.medium
        and best.campaign = candidate.campaign and best.rule = candidate.rule
),
visits as (
    select belongs.platform, belongs.campaign_id, belongs.campaign, count(*) as tagged_visits,
        min(cast(visit.started_at at time zone period.time_zone as date)) as first_date,
        max(cast(visit.started_at at time zone period.time_zone as date)) as last_date
    from core.visit as visit
    join belongs on belongs.source = {{ folded("coalesce(visit.utm_source_norm, visit.utm_source, '')") }}
        and belongs.medium = {{ folded("coalesce(visit.utm_medium_norm, visit.utm_medium, '')") }}
        and belongs.campaign = {{ folded("coalesce(visit.utm_campaign_norm, visit.utm_campaign, '')") }}
    join period on period.platform = case
        when belongs.platform in (select platform from period) then belongs.platform else '' end
    where visit.utm_status <> 'contradicts_click_id'
        and cast(visit.started_at at time zone period.time_zone as date) between period.first_date and period.last_date
    group by belongs.platform, belongs.campaign_id, belongs.campaign
),
spend as (
    select performance.platform, campaign_id, currency, sum(cost) as cost, sum(clicks) as clicks,
        min(report_date) as first_date, max(report_date) as last_date
    from performance
    join period on period.platform = performance.platform
        and performance.report_date between period.first_date and period.last_date
    group by performance.platform, campaign_id, currency
    having sum(cost) > 0 or sum(clicks) > 0
),
latest as (
    select platform, campaign_id, max(campaign_name) as campaign_name
    from (
        select *, rank() over (partition by platform, campaign_id order by report_date desc) as age from performance
    ) as dated
    where age = 1
    group by platform, campaign_id
),
arrived as (
    select platform, campaign_id, sum(tagged_visits) as tagged_visits from visits group by platform, campaign_id
)
select 'spend_without_tagged_visits' as kind, spend.platform, spend.campaign_id, latest.campaign_name, spend.currency,
    spend.cost, cast(spend.clicks as bigint) as clicks, cast(0 as bigint) as tagged_visits,
    spend.first_date, spend.last_date
from spend
join latest on latest.platform = spend.platform and latest.campaign_id = spend.campaign_id
left join arrived on arrived.platform = spend.platform and arrived.campaign_id = spend.campaign_id
where arrived.campaign_id is null and spend.clicks >= {{ minimum_clicks }}
union all
select 'tagged_visits_without_spend', visits.platform, visits.campaign_id,
    coalesce(max(latest.campaign_name), max(visits.campaign)), '', 0, 0, cast(sum(visits.tagged_visits) as bigint),
    min(visits.first_date), max(visits.last_date)
from visits
left join latest on visits.campaign_id <> '' and latest.platform = visits.platform
    and latest.campaign_id = visits.campaign_id
where not exists (
    select 1 from spend where spend.platform = visits.platform and spend.campaign_id = visits.campaign_id
)
group by visits.platform, visits.campaign_id, case when visits.campaign_id = '' then visits.campaign end
having sum(visits.tagged_visits) >= {{ minimum_visits }}
order by 1, 6 desc, 8 desc, 2, 3, 4
