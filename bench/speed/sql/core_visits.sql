-- Core as it stands after {rows} visits from {first} were merged, without the way there. Grain: one row per visit.
insert into core.visit (
    source, account_id, visit_id, client_id, started_at, duration_seconds, page_view_count, is_new_user, is_bounce,
    device, landing_url, exit_url, referrer, traffic_source, utm_source, utm_medium, utm_campaign, goal_ids, gclid,
    batch_id, row_number, row_hash
)
select
    'yandex_metrica', '24601337', cast(6100000000000000000 + {first} + n as text),
    case when n % 200 > 0 then cast(({first} + n) * cast(7919 as bigint) % 1000003 as text) end,
    timestamp with time zone '2026-01-01 00:00:00+00' + ({first} + n) * interval '1 second',
    n % 900, 1 + n % 9, n % 3 = 0, n % 4 = 0,
    case when n % 2 = 0 then 'mobile' else 'desktop' end,
    'https://brand.example/landing/' || cast(n % 60 as text) || '?utm_source=google&gclid=Cj' || cast(n as text),
    'https://brand.example/price', 'https://www.google.com/',
    case when n % 5 = 0 then 'organic' when n % 5 = 1 then 'direct' else 'ad' end,
    case when n % 5 > 1 then 'google' end, case when n % 5 > 1 then 'cpc' end,
    case when n % 5 > 1 then 'campaign_' || cast(n % 40 as text) end, '[]', 'Cj' || cast(n as text),
    'yandex_metrica__visits__0', n, md5(cast({first} + n as text) || '/0')
from generate_series(0, {rows} - 1) as numbers (n)
