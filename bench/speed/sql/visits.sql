-- Visits numbered from {first} (with ids of a length, growing with time, as the vendor gives them) as the Logs API gives them, all text; on DuckDB and Postgres alike. Some are wrong, as in
-- life: a negative duration, page views that are no number, a device nobody knows, a browser without an id.
-- Grain: one row per visit. {restated} is added to every duration, so that the same visits can come again, changed.
insert into landing.yandex_metrica__visits ({columns}, _batch_id, _row, _key, _row_hash, _defect, _extra)
select
    cast(6100000000000000000 + {first} + n as text) as visit_id,
    '24601337' as counter_id,
    case when n % 200 > 0 then cast(({first} + n) * cast(7919 as bigint) % 1000003 as text) end as client_id,
    substr(cast(timestamp '2026-08-15 00:00:00' + ({first} + n) * 37 % 7776000 * interval '1 second' as text), 1, 19)
        as date_time_utc,
    case when n % 3 = 0 then '1' else '0' end as is_new_user,
    'https://brand.example/landing/' || cast(n % 60 as text) || '?utm_source=google&gclid=Cj' || cast(n as text)
        as start_url,
    'https://brand.example/price' as end_url,
    case when n % 1000 = 9 then 'many' else cast(1 + n % 9 as text) end as page_views,
    case when n % 500 = 3 then '-5' else cast({restated} + n % 900 as text) end as visit_duration,
    case when n % 4 = 0 then '1' else '0' end as bounce,
    '[]' as goals_id,
    case when n % 5 = 0 then 'organic' when n % 5 = 1 then 'direct' else 'ad' end as traffic_source,
    cast(null as text) as direct_campaign_id,
    case when n % 5 > 1 then 'google' end as utm_source,
    case when n % 5 > 1 then 'cpc' end as utm_medium,
    case when n % 5 > 1 then 'campaign_' || cast(n % 40 as text) end as utm_campaign,
    cast(null as text) as utm_content,
    cast(null as text) as utm_term,
    'https://www.google.com/' as referer,
    case when n % 700 = 8 then 'watch' when n % 2 = 0 then 'mobile' else 'desktop' end as device,
    '[' || cast(n as text) || ']' as watch_ids,
    '{batch_id}' as _batch_id,
    n as _row,
    '24601337' || chr(31) || cast(6100000000000000000 + {first} + n as text) as _key,
    md5(cast({first} + n as text) || '/' || cast({restated} as text)) as _row_hash,
    cast(null as text) as _defect,
    cast(null as text) as _extra
from generate_series(0, {rows} - 1) as numbers (n)
