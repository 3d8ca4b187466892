-- What the model stage would have made of {touches} touches: ten a person, a lead of every second person. Written where
-- the attribution models read (marts_build). Grain: touchpoint, and conversion.
create schema if not exists marts_build;
create table marts_build.touchpoint as
select
    'visit:' || n as touchpoint_id,
    'p' || n // 10 as person_id,
    timestamptz '2026-08-20 00:00:00+00' + n * 977 % 5000000 * interval '1 second' as occurred_at,
    ['google_ads', 'yandex_direct', 'organic', 'direct', 'email', 'social', 'referral', 'partner'][cast(1 + hash(n) % 8 as bigint)]
        as channel,
    'visit' as kind, cast(n as text) as visit_id, cast(null as text) as campaign, 'analytics' as source_kind,
    'yandex_metrica' as source, '1' as account_id, true as is_credited
from range({touches}) as numbers (n);
create table marts_build.int_conversion as
select
    'lead:p' || n as conversion_id, 'lead' as conversion_type, 'p' || n as person_id,
    timestamptz '2026-10-30 00:00:00+00' as converted_at, n % 3 = 0 as is_mql,
    cast(null as decimal(18, 6)) as value_base, false as is_rate_missing
from range(0, {touches} // 10, 2) as numbers (n);
