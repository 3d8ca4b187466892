{#- Visits of the window with what their hits say. Grain of `span`: one row per visit that has a hit.
    closest_seconds: how near to the visit's start its nearest hit lies. off_seconds: how late the first hit is.
    is_skewed: its clock is off as a whole: no hit lies at the start, and what is there is moved, not cut.
    `shifted`: days (hour is NULL) and single hours in which many visits are off by the same whole hours. -#}
looked as (
    select source, account_id, visit_id, started_at, page_view_count,
        started_at + coalesce(duration_seconds, 0) * interval '1 second' as ended_at
    from core.visit
    where started_at >= (select max(started_at) from core.visit) - interval '{{ days }} days'
),
measured as (
    select looked.source, looked.account_id, looked.visit_id, looked.started_at, looked.ended_at,
        looked.page_view_count,
        min(hit.occurred_at) as first_at,
        max(hit.occurred_at) as last_at,
        min(abs(extract(epoch from (hit.occurred_at - looked.started_at)))) as closest_seconds,
        extract(epoch from (min(hit.occurred_at) - looked.started_at)) as off_seconds,
        count(case when hit.is_page_view then 1 end) as page_views
    from looked
    join core.hit as hit on hit.source = looked.source and hit.account_id = looked.account_id
        and hit.visit_id = looked.visit_id
        and hit.occurred_at >= (select min(started_at) from looked) - interval '2 days'
    group by looked.source, looked.account_id, looked.visit_id, looked.started_at, looked.ended_at,
        looked.page_view_count
),
span as materialized (
    select measured.*,
        closest_seconds > {{ exact_seconds }} and (
            off_seconds < -{{ tolerance_seconds }}
            or off_seconds > {{ tolerance_seconds }} and (
                last_at > ended_at + interval '{{ tolerance_seconds }} seconds'
                or page_views >= coalesce(page_view_count, 1)
            )
        ) as is_skewed,
        cast(round(off_seconds / 3600) as integer) as off_hours,
        abs(off_seconds - round(off_seconds / 3600) * 3600) <= {{ tolerance_seconds }} as is_whole_hours,
        cast(started_at at time zone 'UTC' as date) as day,
        date_trunc('hour', started_at at time zone 'UTC') as hour
    from measured
),
shifted_day as (
    select part.source, part.account_id, part.day, part.off_hours, part.visits, whole.visits as all_visits
    from (
        select source, account_id, day, off_hours, count(*) as visits from span
        where is_skewed and is_whole_hours and off_hours <> 0 group by source, account_id, day, off_hours
    ) as part
    join (
        select source, account_id, day, count(*) as visits from span group by source, account_id, day
    ) as whole on whole.source = part.source and whole.account_id = part.account_id and whole.day = part.day
    where part.visits >= {{ shifted_visits }} and part.visits >= {{ shifted_share }} * whole.visits
),
shifted_hour as (
    select part.source, part.account_id, part.day, part.hour, part.off_hours, part.visits, whole.visits as all_visits
    from (
        select source, account_id, day, hour, off_hours, count(*) as visits from span
        where is_skewed and is_whole_hours and off_hours <> 0 group by source, account_id, day, hour, off_hours
    ) as part
    join (
        select source, account_id, hour, count(*) as visits from span group by source, account_id, hour
    ) as whole on whole.source = part.source and whole.account_id = part.account_id and whole.hour = part.hour
    where part.visits >= 3 and part.visits > 0.5 * whole.visits
        and not exists (
            select 1 from shifted_day
            where shifted_day.source = part.source and shifted_day.account_id = part.account_id
                and shifted_day.day = part.day and shifted_day.off_hours = part.off_hours
        )
),
shifted as (
    select source, account_id, day, cast(null as timestamp) as hour, off_hours, visits, all_visits from shifted_day
    union all
    select source, account_id, day, hour, off_hours, visits, all_visits from shifted_hour
)
