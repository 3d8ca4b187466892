-- {persons} persons with ten visits each within twenty days, begun evenly over two years; a contact of every tenth, a deal
-- of every twentieth, 200 advertisements a day. Only what happened in [{begin}, {end}) of the two years (0 to 1), as
-- batches of a week. Journeys crowd at their beginning, as people do.
create temporary table person_now as
select
    n, 'p' || md5('person' || n) as person_id, 'c' || n as client_id,
    timestamptz '2024-11-01 00:00:00+00' + n * 700.0 / {persons} * interval '1 day' as begun_at
from range({persons}) as numbers (n);

create temporary table visit_now as
select n, touch, person_id, client_id, begun_at + touch * touch * (20.0 / 81) * interval '1 day' as started_at
from person_now cross join range(10) as touches (touch);

insert into core.visit (source, account_id, visit_id, client_id, started_at, duration_seconds, landing_url, referrer,
    traffic_source, utm_source, utm_medium, utm_campaign, utm_source_norm, utm_medium_norm, utm_campaign_norm, utm_status,
    gclid, batch_id, row_number, row_hash)
select
    'yandex_metrica', '1', n || '-' || touch, client_id, started_at, 60 + hash(n, touch) % 600,
    'https://brand.example/page/' || hash(n, touch, 1) % 300 || case when utm_source <> '' then '?utm_source=' || utm_source else '' end,
    case kind when 2 then 'https://www.google.com/' when 3 then 'https://chatgpt.com/' when 4 then 'https://blog' || n % 50 || '.example/' end,
    case kind when 0 then 'ad' when 2 then 'organic' when 4 then 'referral' else 'direct' end,
    utm_source, utm_medium, utm_campaign, utm_source, utm_medium, utm_campaign, 'ok',
    case when kind = 0 then 'G' || n || '-' || touch end,
    'visits-' || cast(date_trunc('week', started_at at time zone 'UTC') as date), n, md5(n || '-' || touch)
from (
    select *, hash(n, touch) % 6 as kind,
        case when hash(n, touch) % 6 = 0 then 'google' when hash(n, touch) % 6 = 1 then 'instagram' end as utm_source,
        case when hash(n, touch) % 6 = 0 then 'cpc' when hash(n, touch) % 6 = 1 then 'social' end as utm_medium,
        case when hash(n, touch) % 6 < 2 then 'campaign_' || n % 40 end as utm_campaign
    from visit_now
) as told
where started_at >= {from_at} and started_at < {until_at};

insert into core.contact (source, account_id, contact_id, created_at, updated_at, email_hash, email_kind, client_id,
    lifecycle_stage, segment, language, is_deleted, batch_id, row_number, row_hash)
select
    'hubspot', '1', 'k' || n, started_at, started_at, md5('mail' || n), 'personal', client_id,
    'lead', 'salon_owner', 'uk', false, 'contacts-' || {begin}, n, md5('k' || n)
from visit_now where n % 10 = 0 and touch = 5 and started_at >= {from_at} and started_at < {until_at};

insert into core.deal (source, account_id, deal_id, created_at, updated_at, closed_at, pipeline_id, stage_id, amount,
    currency, is_closed, is_won, contact_id, is_deleted, batch_id, row_number, row_hash)
select
    'hubspot', '1', 'd' || n, started_at, started_at, started_at + interval '9 days', 'p', case when n % 3 = 0 then 'lost' else 'won' end,
    100 + n % 900, 'EUR', true, n % 3 <> 0, 'k' || n, false, 'deals-' || {begin}, n, md5('d' || n)
from visit_now where n % 20 = 0 and touch = 6 and started_at >= {from_at} and started_at < {until_at};

insert into core.ad_performance (source, account_id, report_date, ad_id, campaign_id, campaign_name, currency,
    impressions, clicks, cost, batch_id, row_number, row_hash)
select
    'google_ads', '1', cast(day as date), 'ad' || n, 'k' || n % 40, 'Campaign ' || n % 40, 'EUR', 1000 + n, 10 + n % 7, 5 + n % 3,
    'ads-' || cast(date_trunc('week', day) as date), n, md5(day || '-' || n)
from range(timestamp '2024-11-01', timestamp '2026-10-22', interval '1 day') as days (day) cross join range(200) as numbers (n)
where day >= {from_at} at time zone 'UTC' and day < {until_at} at time zone 'UTC';

-- What identity would have found, and whom it would have told of.
create temporary table found_now as
select 'client_id' as identifier_kind, '' as source, '' as account_id, client_id as identifier, person_id, 'device' as rule, begun_at as first_seen_at
from person_now where begun_at >= {from_at} and begun_at < {until_at}
union all
select kind, case kind when 'contact_id' then 'hubspot' else '' end, case kind when 'contact_id' then '1' else '' end,
    case kind when 'contact_id' then 'k' || n else md5('mail' || n) end, person_id, 'email', started_at
from visit_now cross join (values ('contact_id'), ('email_hash')) as kinds (kind)
where n % 10 = 0 and touch = 5 and started_at >= {from_at} and started_at < {until_at};
insert into core.person_identifier by name select * from found_now;
insert into ops.person_change select distinct person_id from found_now
where {begin} > 0 and person_id not in (select person_id from ops.person_change);
drop table person_now;
drop table visit_now;
drop table found_now;
