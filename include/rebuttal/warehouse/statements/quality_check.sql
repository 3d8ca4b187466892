{#- Grain: one row per check of a stream (and account) that ran on the newest batch looked at, and one per check over core as a whole
(`kind` = audit, no stream). Latest: on that newest batch. Examples and query: of the newest batch that failed.

Arithmetic: failed_share_latest = failed_row_count_latest / row_count_latest. The trend compares it with the mean share of up to five
batches before in the same run of failures: more than a quarter above is rising, more than a fifth below is falling. A hold fails as a
whole: it is new or steady. #}
with answer as (
    select
        'check' as kind, '' as line, batch.source, batch.account_id, batch.stream, batch.sequence, batch.landed_at,
        batch.status as batch_status, found.batch_id, found.entity, found.check_name, found.severity, found.description,
        found.next_step, found.is_passed, found.row_count, found.failed_count, found.examples, found.query
    from ops.check_result as found
    inner join ops.batch as batch on batch.batch_id = found.batch_id
    union all
    select
        'audit', found.check_name, '', '', '', found.sequence,
        (select max(batch.landed_at) from ops.batch as batch where batch.sequence <= found.sequence),
        '', '', found.entity, found.check_name, found.severity, found.description,
        found.next_step, found.is_passed, found.row_count, found.failed_count, found.examples, found.query
    from ops.audit_result as found
),
aged as (
    select
        answer.*,
        case
            when is_passed then 0.0
            when severity = 'hold' or row_count = 0 then 1.0
            else cast(failed_count as double precision) / row_count
        end as share,
        dense_rank() over (partition by kind, source, account_id, stream, line order by sequence desc) as age
    from answer
),
counted as (
    select
        kind, source, account_id, stream, check_name,
        count(*) as batch_count,
        count(case when not is_passed then 1 end) as failed_batch_count,
        count(case when not is_passed and batch_status = 'held' then 1 end) as held_batch_count,
        sum(failed_count) as failed_row_count,
        sum(row_count) as row_count,
        max(case when not is_passed then sequence end) as failed_sequence,
        coalesce(max(case when age = 2 and not is_passed then 1 end), 0) as failed_before
    from aged
    group by kind, source, account_id, stream, check_name
),
passed as (
    select aged.kind, aged.source, aged.account_id, aged.stream, aged.check_name, max(aged.sequence) as sequence
    from aged
    inner join counted
        on counted.kind = aged.kind and counted.source = aged.source and counted.account_id = aged.account_id
        and counted.stream = aged.stream and counted.check_name = aged.check_name
    where aged.is_passed and aged.sequence < counted.failed_sequence
    group by aged.kind, aged.source, aged.account_id, aged.stream, aged.check_name
),
failing as (
    select aged.kind, aged.source, aged.account_id, aged.stream, aged.check_name, min(aged.landed_at) as since_at,
        avg(case when aged.age between 2 and 6 then aged.share end) as usual_share
    from aged
    left join passed
        on passed.kind = aged.kind and passed.source = aged.source and passed.account_id = aged.account_id
        and passed.stream = aged.stream and passed.check_name = aged.check_name
    where not aged.is_passed and aged.sequence > coalesce(passed.sequence, -1)
    group by aged.kind, aged.source, aged.account_id, aged.stream, aged.check_name
)
select
    newest.kind, newest.severity, not newest.is_passed as is_failing,
    case
        when newest.is_passed and counted.failed_batch_count = 0 then 'passing'
        when newest.is_passed then 'healed'
        when counted.failed_before = 0 then 'new'
        when newest.severity = 'hold' then 'steady'
        when newest.share > 1.25 * failing.usual_share then 'rising'
        when newest.share < 0.8 * failing.usual_share then 'falling'
        else 'steady'
    end as trend,
    newest.entity, newest.source, newest.account_id, newest.stream, newest.check_name, newest.description, newest.next_step,
    newest.failed_count as failed_row_count_latest, newest.row_count as row_count_latest,
    cast(newest.failed_count as double precision) / nullif(newest.row_count, 0) as failed_share_latest,
    cast(counted.failed_row_count as bigint) as failed_row_count, cast(counted.row_count as bigint) as row_count,
    counted.batch_count, counted.failed_batch_count, counted.held_batch_count,
    shown.batch_id, shown.batch_status, shown.examples, shown.query,
    failing.since_at, shown.landed_at as last_seen_at, newest.landed_at as checked_at
from aged as newest
inner join counted
    on counted.kind = newest.kind and counted.source = newest.source and counted.account_id = newest.account_id
    and counted.stream = newest.stream and counted.check_name = newest.check_name
left join aged as shown
    on shown.kind = newest.kind and shown.source = newest.source and shown.account_id = newest.account_id
    and shown.stream = newest.stream and shown.check_name = newest.check_name and shown.sequence = counted.failed_sequence
left join failing
    on failing.kind = newest.kind and failing.source = newest.source and failing.account_id = newest.account_id
    and failing.stream = newest.stream and failing.check_name = newest.check_name
where newest.age = 1
