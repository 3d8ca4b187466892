{#- Grain: one row per batch that is held: none of its rows are merged, the last good data stays visible.
check_names, description and next_step: of the checks that hold it, in the same order, `; ` between. #}
select
    batch.batch_id, batch.source, batch.account_id, batch.stream, batch.entity, batch.kind, batch.window_from, batch.window_to,
    batch.row_count, batch.status_reason as reason, found.check_names, found.description, found.next_step, batch.landed_at
from ops.batch as batch
left join (
    select
        batch_id, string_agg(check_name, '; ' order by check_name) as check_names,
        string_agg(description, '; ' order by check_name) as description,
        string_agg(next_step, '; ' order by check_name) as next_step
    from ops.check_result
    where severity = 'hold' and not is_passed
    group by batch_id
) as found on found.batch_id = batch.batch_id
where batch.status = 'held'
