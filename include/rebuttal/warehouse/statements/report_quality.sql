{#- One row per check of a stream that has ever failed or warned: how often, on how many rows, with the newest examples. #}
with result as (
    select
        batch.source, batch.stream, batch.sequence, batch.status as batch_status, check_result.*
    from ops.check_result as check_result
    inner join ops.batch as batch on batch.batch_id = check_result.batch_id
),
newest as (
    select source, stream, check_name, max(sequence) as sequence
    from result
    where not is_passed
    group by source, stream, check_name
),
counted as (
    select
        source, stream, check_name,
        cast(count(*) as bigint) as batch_count,
        cast(count(case when not is_passed then 1 end) as bigint) as failed_batch_count,
        cast(sum(failed_count) as bigint) as failed_row_count,
        cast(sum(row_count) as bigint) as row_count
    from result
    group by source, stream, check_name
)
select
    counted.source, counted.stream, result.entity, counted.check_name, result.severity, result.description, result.next_step,
    counted.batch_count, counted.failed_batch_count, counted.failed_row_count, counted.row_count,
    result.batch_status, result.examples, result.query
from counted
inner join newest
    on newest.source = counted.source and newest.stream = counted.stream and newest.check_name = counted.check_name
inner join result
    on result.source = newest.source and result.stream = newest.stream and result.check_name = newest.check_name
    and result.sequence = newest.sequence
order by
    case result.severity when 'hold' then 1 when 'quarantine' then 2 else 3 end,
    counted.failed_row_count desc, counted.source, counted.stream, counted.check_name
