-- One row per property-local day, of the last {{ recent_days }} that are settled, on which the one tool's sessions and the
-- other's visits are further than {{ totals_band }} times from the proportion they usually have.
with traffic as (
    select source, account_id, report_date, max(time_zone) as time_zone, cast(sum(sessions) as double precision) as sessions
    from core.traffic
    where report_date >= (select max(report_date) from core.traffic) - {{ days }}
        and report_date <= (select max(report_date) from core.traffic) - 2
    group by source, account_id, report_date
),
zone as (select source, account_id, coalesce(max(time_zone), 'UTC') as name from traffic group by source, account_id),
visited as (
    select zone.source, zone.account_id, cast(visit.started_at at time zone zone.name as date) as report_date,
        cast(count(*) as double precision) as visits
    from core.visit as visit cross join zone
    where visit.started_at >= (select max(started_at) from core.visit) - interval '{{ days }} days'
    group by zone.source, zone.account_id, cast(visit.started_at at time zone zone.name as date)
),
pair as (
    select traffic.source, traffic.account_id, traffic.report_date, traffic.sessions, visited.visits,
        traffic.sessions / visited.visits as ratio
    from traffic
    join visited on visited.source = traffic.source and visited.account_id = traffic.account_id
        and visited.report_date = traffic.report_date
    where visited.visits >= {{ totals_rows }}
),
usual as (
    select source, account_id, percentile_cont(0.5) within group (order by ratio) as ratio, count(*) as day_count,
        max(report_date) as newest, min(report_date) as oldest
    from pair group by source, account_id
)
select pair.source, pair.account_id, pair.report_date,
    cast(pair.report_date as text) || ': ' || cast(cast(pair.sessions as bigint) as text) || ' sessions in ' || pair.source
        || ', ' || cast(cast(pair.visits as bigint) as text) || ' visits' as example
from pair
join usual on usual.source = pair.source and usual.account_id = pair.account_id
where usual.day_count >= 14 and pair.report_date > usual.newest - {{ recent_days }} and pair.report_date > usual.oldest
    and (pair.ratio > usual.ratio * {{ totals_band }} or pair.ratio < usual.ratio / {{ totals_band }})
