-- What the model stage would have made of {touches} touches: ten a person, one person in ten won, in the order in which visits
-- come. Written where the attribution models read (marts_build); the warehouse's own tables stand already. Grain: touchpoint, and conversion.
create schema if not exists marts_build;
create table marts_build.touchpoint as
select
    'visit:' || n as touchpoint_id,
    'p' || left(md5(cast(n // 10 as text)), 16) as person_id,
    timestamptz '2026-08-20 00:00:00+00' + n * 977 % 5000000 * interval '1 second' as occurred_at,
    ['search_brand', 'search_generic', 'organic', 'direct', 'email', 'social', 'referral', 'partner'][cast(1 + hash(n) % 8 as bigint)]
        as channel,
    'visit' as kind, cast(n as text) as visit_id, 'campaign_' || hash(n) // 8 % 40 as campaign,
    'analytics' as source_kind, 'yandex_metrica' as source, '1' as account_id, true as is_credited,
    ['google', 'yandex', 'direct', 'instagram'][cast(1 + hash(n) // 320 % 4 as bigint)] as source_name,
    '/page/' || hash(n) // 1280 % 20 as content
from range({touches}) as numbers (n)
order by occurred_at;
create table marts_build.int_conversion as
select
    'won:p' || n as conversion_id, 'won' as conversion_type, 'p' || left(md5(cast(n as text)), 16) as person_id,
    timestamptz '2026-10-30 00:00:00+00' as converted_at, true as is_mql,
    cast(100 + n % 900 as decimal(18, 6)) as value_base, false as is_rate_missing, cast(null as text) as partner_id
from range(0, {touches} // 10, 10) as numbers (n);
create table marts_build.source_window as
select family, date '2026-08-20' as first_date, date '2026-10-31' as until_date
from (values ('visits'), ('ads'), ('crm')) as families (family);
insert into ops.channel_rule (rule_order, channel)
select row_number() over (order by channel), channel from (select distinct channel from marts_build.touchpoint)
