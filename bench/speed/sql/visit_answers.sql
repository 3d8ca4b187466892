-- What an engineer would write by hand for all that the gate has to answer about a batch of visits: which rows break which
-- checks, where each row ends, the rows kept out with their reasons and as they landed, and the counts.
-- One pass over the landed text makes `verdict` (grain: one row per landed row; `broken` has a bit for each check broken,
-- the eight lowest keep a row out); the other tables are made of it.
create or replace table by_hand.verdict as
with typed as (
    select
        _row, _row_hash, _defect, visit_id, client_id, traffic_source, device, date_time_utc, visit_duration, page_views,
        is_new_user, bounce,
        case when regexp_full_match(date_time_utc, '[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}(:[0-9]{2})?')
            then try_cast(date_time_utc as timestamp) - interval 3 hours end as started_at,
        case when regexp_full_match(trim(visit_duration), '[+-]?[0-9]{1,18}(\.0+)?')
            then try_cast(split_part(trim(visit_duration), '.', 1) as bigint) end as duration,
        case when regexp_full_match(trim(page_views), '[+-]?[0-9]{1,18}(\.0+)?')
            then try_cast(split_part(trim(page_views), '.', 1) as bigint) end as views
    from landing.yandex_metrica__visits
    where _batch_id = '{batch_id}'
),
checked as (
    select
        _row, _row_hash, visit_id,
        (_defect is not null)::int
        + 2 * coalesce(
            (date_time_utc is not null and started_at is null)
            or (visit_duration is not null and duration is null)
            or (page_views is not null and views is null)
            or lower(trim(is_new_user)) not in ('true', '1', 't', 'yes', 'false', '0', 'f', 'no')
            or lower(trim(bounce)) not in ('true', '1', 't', 'yes', 'false', '0', 'f', 'no'), false
        )::int
        + 4 * (visit_id is null or lower(trim(visit_id)) in ('', 'null', 'none', 'nan', 'undefined', 'n/a'))::int
        + 8 * coalesce(
            regexp_full_match(visit_id, '[+-]?[0-9]+\.[0-9]*([eE][+-]?[0-9]+)?|[+-]?[0-9]+[eE][+-]?[0-9]+'), false
        )::int
        + 16 * (started_at is null)::int
        + 32 * coalesce(started_at < timestamp '2000-01-01' or started_at > timestamp '{latest}', false)::int
        + 64 * coalesce(duration < 0, false)::int
        + 128 * coalesce(views < 0, false)::int
        + 256 * coalesce(duration > 86400, false)::int
        + 512 * coalesce(duration = 0 and views >= 5, false)::int
        + 1024 * (client_id is null)::int
        + 2048 * coalesce(
            lower(traffic_source) not in (
                'ad', 'organic', 'direct', 'referral', 'social', 'messenger', 'email', 'recommend', 'internal', 'saved',
                'undefined'
            ), false
        )::int
        + 4096 * coalesce(lower(device) not in ('desktop', 'mobile', 'tablet', 'tv', '1', '2', '3', '4'), false)::int
            as broken
    from typed
),
repeated as (
    select visit_id from checked where broken & 255 = 0 group by visit_id having count(*) > 1
),
ranked as (
    select _row, row_number() over (partition by checked.visit_id order by _row_hash desc, _row) as place
    from checked join repeated on repeated.visit_id = checked.visit_id
    where broken & 255 = 0
)
select checked._row, broken,
    case
        when broken & 255 > 0 then 'quarantined'
        when ranked.place > 1 then 'deduplicated'
        when core.visit_id is null then 'new'
        when core.row_hash = checked._row_hash then 'unchanged'
        else 'changed'
    end as outcome
from checked
left join ranked on ranked._row = checked._row
left join core.visit as core
    on core.visit_id = checked.visit_id and core.source = 'yandex_metrica' and core.account_id = '24601337';

-- Every reason with what is shown of the row, and the row as it landed.
create or replace table by_hand.kept_out as
select landed._row as row_number,
    list_filter([
        case when broken & 1 > 0 then {'check_name': 'row_decoded', 'value': _defect} end,
        case when broken & 2 > 0 then {'check_name': 'values_readable', 'value': concat_ws('; ',
            case when try_cast(date_time_utc as timestamp) is null then 'date_time_utc=' || date_time_utc end,
            case when try_cast(visit_duration as bigint) is null then 'visit_duration=' || visit_duration end,
            case when try_cast(page_views as bigint) is null then 'page_views=' || page_views end,
            case when try_cast(is_new_user as boolean) is null then 'is_new_user=' || is_new_user end,
            case when try_cast(bounce as boolean) is null then 'bounce=' || bounce end)} end,
        case when broken & 4 > 0 then {'check_name': 'key_present', 'value': _key} end,
        case when broken & 8 > 0 then {'check_name': 'id_exact', 'value': _key} end,
        case when broken & 16 > 0 then {'check_name': 'started_at_present', 'value': null} end,
        case when broken & 32 > 0 then {'check_name': 'started_at_possible', 'value': date_time_utc} end,
        case when broken & 64 > 0 then {'check_name': 'duration_seconds_not_negative', 'value': visit_duration} end,
        case when broken & 128 > 0 then {'check_name': 'page_view_count_not_negative', 'value': page_views} end
    ], lambda reason: reason is not null) as reasons,
    cast(to_json(landed) as text) as raw
from landing.yandex_metrica__visits as landed
join by_hand.verdict as verdict on verdict._row = landed._row and verdict.outcome = 'quarantined'
where landed._batch_id = '{batch_id}';

create or replace table by_hand.counted as select outcome, broken, count(*) as rows from by_hand.verdict group by outcome, broken
