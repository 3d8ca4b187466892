-- What an engineer would write by hand for the row checks of a batch of visits on Postgres: one pass over the landed text.
-- Grain: one row; a column per check with the number of rows that break it. The same counts as the suite of `visit`.
with typed as (
    select
        _defect, visit_id, client_id, traffic_source, device, date_time_utc, visit_duration, page_views,
        is_new_user, bounce,
        case when date_time_utc ~ '^[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}(:[0-9]{2})?$'
                and pg_input_is_valid(date_time_utc, 'timestamp')
            then cast(date_time_utc as timestamp) - interval '3 hours' end as started_at,
        case when trim(visit_duration) ~ '^[+-]?[0-9]{1,18}(\.0+)?$'
            then cast(split_part(trim(visit_duration), '.', 1) as bigint) end as duration,
        case when trim(page_views) ~ '^[+-]?[0-9]{1,18}(\.0+)?$'
            then cast(split_part(trim(page_views), '.', 1) as bigint) end as views
    from landing.yandex_metrica__visits
    where _batch_id = '{batch_id}'
)
select
    count(*) filter (where _defect is not null) as row_decoded,
    count(*) filter (
        where (date_time_utc is not null and started_at is null)
            or (visit_duration is not null and duration is null)
            or (page_views is not null and views is null)
            or lower(trim(is_new_user)) not in ('true', '1', 't', 'yes', 'false', '0', 'f', 'no')
            or lower(trim(bounce)) not in ('true', '1', 't', 'yes', 'false', '0', 'f', 'no')
    ) as values_readable,
    count(*) filter (
        where visit_id is null or lower(trim(visit_id)) in ('', 'null', 'none', 'nan', 'undefined', 'n/a')
    ) as key_present,
    count(*) filter (
        where visit_id ~ '^[+-]?[0-9]+\.[0-9]*([eE][+-]?[0-9]+)?$|^[+-]?[0-9]+[eE][+-]?[0-9]+$'
    ) as id_exact,
    count(*) filter (where started_at is null) as started_at_present,
    count(*) filter (where started_at < timestamp '2000-01-01' or started_at > timestamp '{latest}')
        as started_at_possible,
    count(*) filter (where duration < 0) as duration_seconds_not_negative,
    count(*) filter (where views < 0) as page_view_count_not_negative,
    count(*) filter (where duration > 86400) as duration_sane,
    count(*) filter (where duration = 0 and views >= 5) as pages_take_time,
    count(*) filter (where client_id is null) as client_known,
    count(*) filter (
        where lower(traffic_source) not in (
            'ad', 'organic', 'direct', 'referral', 'social', 'messenger', 'email', 'recommend', 'internal', 'saved',
            'undefined'
        )
    ) as traffic_source_known,
    count(*) filter (where lower(device) not in ('desktop', 'mobile', 'tablet', 'tv', '1', '2', '3', '4'))
        as device_known
from typed
