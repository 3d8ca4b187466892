-- One row per stream whose newest day lies further back from the newest landing than its longest pause before explains.
with recursive {% include "_history.sql" %},
pause as (
    select entity, source, account_id, max(day - before_day) as longest
    from (
        select entity, source, account_id, day, lag(day) over (partition by entity, source, account_id order by day)
            as before_day
        from counted where measure = 'rows'
    ) as days
    group by entity, source, account_id
),
landed as (select cast(max(landed_at) at time zone 'UTC' as date) as day from ops.batch)
select stream.entity, stream.source, stream.account_id, stream.newest_day,
    stream.entity || ' of ' || stream.source || ': nothing after ' || cast(stream.newest_day as text) || ', landed until '
        || cast(landed.day as text) as example
from stream
join pause on pause.entity = stream.entity and pause.source = stream.source and pause.account_id = stream.account_id
cross join landed
where stream.measure = 'rows' and stream.day_count >= {{ fresh_days }}
    and landed.day - stream.newest_day > greatest(3, pause.longest + 2)
