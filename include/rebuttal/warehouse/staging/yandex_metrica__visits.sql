-- One row per visit. The field dateTimeUTC is in truth UTC+3. Tags are Metrica's own columns; click ids are cut out of
-- the landing address byte for byte.
select
    {{ landing }},
    {{ text("visit_id") }} as visit_id,
    {{ text("client_id") }} as client_id,
    {{ ahead_of_utc("date_time_utc", 3) }} as started_at,
    {{ integer("visit_duration") }} as duration_seconds,
    {{ integer("page_views") }} as page_view_count,
    {{ boolean("is_new_user") }} as is_new_user,
    {{ boolean("bounce") }} as is_bounce,
    {{ known("device", "desktop", "mobile", "tablet", "tv", "1", "2", "3", "4") }} as device,
    {{ text("start_url") }} as landing_url,
    {{ text("end_url") }} as exit_url,
    {{ text("referer") }} as referrer,
    {{ known("traffic_source", "ad", "organic", "direct", "referral", "social", "messenger", "email", "recommend",
             "internal", "saved", "undefined") }} as traffic_source,
{%- for tag in ["utm_source", "utm_medium", "utm_campaign", "utm_content", "utm_term"] %}
    {{ text(tag) }} as {{ tag }},
{%- endfor %}
    {{ url_parameter("start_url", name="gclid") }} as gclid,
    {{ url_parameter("start_url", name="yclid") }} as yclid,
    nullif({{ text("direct_campaign_id") }}, '0') as click_campaign_id,
    {{ text("goals_id") }} as goal_ids,
    {{ unreadable() }}
from {{ landed() }}
