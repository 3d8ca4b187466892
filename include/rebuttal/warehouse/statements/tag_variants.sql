-- What misspelt and unknown tags came with. Grain: one row per combination of tags, kinds of click id and campaign id in
-- the address (the platforms put theirs there when told to). Times are UTC.
select
    utm_source, utm_medium, utm_campaign, utm_content, utm_status,
    gclid is not null as has_gclid,
    yclid is not null as has_yclid,
    {{ referrer_host }} as host,
    coalesce({% for parameter in campaign_parameters %}{{ parameter }}{{ ", " if not loop.last }}{% endfor %})
        as told_campaign_id,
    count(*) as visits,
    min(started_at) as first_seen_at,
    max(started_at) as last_seen_at
from core.visit
where utm_status in ('spelling_variant', 'unregistered')
group by 1, 2, 3, 4, 5, 6, 7, 8, 9
