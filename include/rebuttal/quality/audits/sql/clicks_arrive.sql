-- One row per platform and week (Monday to Sunday, settled) in which the visits that carry its click id are further than
-- {{ totals_band }} times from their usual share of the clicks it charges for.
with click as (
    select source, cast(date_trunc('week', report_date) as date) as week, cast(sum(clicks) as double precision) as clicks
    from core.ad_performance
    where source in ('google_ads', 'yandex_direct')
        and report_date >= (select max(report_date) from core.ad_performance) - {{ days }}
    group by source, cast(date_trunc('week', report_date) as date)
),
arrived as (
    select case when gclid is not null then 'google_ads' else 'yandex_direct' end as source,
        cast(date_trunc('week', started_at at time zone 'UTC') as date) as week, cast(count(*) as double precision) as visits
    from core.visit
    where (gclid is not null or yclid is not null)
    group by case when gclid is not null then 'google_ads' else 'yandex_direct' end,
        cast(date_trunc('week', started_at at time zone 'UTC') as date)
),
edge as (
    select cast(date_trunc('week', min(started_at) at time zone 'UTC') as date) as first_week,
        cast(date_trunc('week', max(started_at) at time zone 'UTC') as date) as last_week
    from core.visit
),
pair as (
    select click.source, click.week, click.clicks, coalesce(arrived.visits, 0) as visits,
        coalesce(arrived.visits, 0) / click.clicks as ratio
    from click
    left join arrived on arrived.source = click.source and arrived.week = click.week
    cross join edge
    where click.clicks >= {{ totals_rows }} and click.week > edge.first_week and click.week < edge.last_week
),
usual as (
    select source, percentile_cont(0.5) within group (order by ratio) as ratio, count(*) as weeks from pair group by source
)
select pair.source, pair.week,
    pair.source || ', week of ' || cast(pair.week as text) || ': ' || cast(cast(pair.clicks as bigint) as text)
        || ' clicks, ' || cast(cast(pair.visits as bigint) as text) || ' visits with its click id' as example
from pair
join usual on usual.source = pair.source
where usual.weeks >= {{ usual_weeks }}
    and (pair.ratio > usual.ratio * {{ totals_band }} or pair.ratio < usual.ratio / {{ totals_band }})
