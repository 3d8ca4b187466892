-- One row per property-local day, session source, medium, campaign and device, as GA4 added it up;
-- is_estimated where it says that it sampled, withheld or folded away some of them.
select
    {{ landing }},
    {{ day("date") }} as report_date,
    {{ text("time_zone") }} as time_zone,
    {{ text("session_source") }} as session_source,
    {{ text("session_medium") }} as session_medium,
    {{ text("session_campaign") }} as session_campaign,
    {{ text("device") }} as device,
    {{ integer("sessions") }} as sessions,
    {{ integer("engaged_sessions") }} as engaged_sessions,
    {{ integer("total_users") }} as users,
    {{ real("key_events") }} as key_events,
    coalesce({{ boolean("is_estimated") }}, false) as is_estimated,
    {{ unreadable() }}
from {{ landed() }}
