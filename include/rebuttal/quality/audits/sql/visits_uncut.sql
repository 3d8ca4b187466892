-- One row per visit that goes on where the same browser's last one ended, within {{ session_minutes }} minutes and across
-- the full hour at which the counter's day ends.
with paired as (
    select source, account_id, visit_id, traffic_source, started_at,
        lag(started_at + coalesce(duration_seconds, 0) * interval '1 second') over (
            partition by source, account_id, client_id order by started_at
        ) as before_ended_at
    from core.visit
    where client_id is not null
        and started_at >= (select max(started_at) from core.visit) - interval '{{ days }} days'
)
select source, account_id, visit_id, 'visit ' || visit_id || ' goes on one cut at '
    || cast(date_trunc('hour', started_at at time zone 'UTC') as text) || ' UTC' as example
from paired
where traffic_source = 'internal' and before_ended_at <= date_trunc('hour', started_at)
    and before_ended_at >= started_at - interval '{{ session_minutes }} minutes'
