-- One row per hit. date_time is the wall clock of the counter's time zone; the first pulls did not ask for the zone.
select
    {{ landing }},
    {{ text("watch_id") }} as hit_id,
    {{ text("visit_id") }} as visit_id,
    {{ text("client_id") }} as client_id,
    {{ local("date_time", "time_zone", "Europe/Moscow") }} as occurred_at,
    {{ text("url") }} as url,
    {{ url_path("url") }} as page_path,
    {{ text("referer") }} as referrer,
    {{ boolean("is_page_view") }} as is_page_view,
    {{ text("goals_id") }} as goal_ids,
    {{ unreadable() }}
from {{ landed() }}
