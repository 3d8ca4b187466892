{#- Grain: one row per stream, account and main reason for which rows were kept out of core. quarantined_row_count waits now,
released_row_count was let in later. since_at and last_seen_at: the batches of the rows that wait. #}
select
    kept.source, batch.account_id, kept.stream, kept.entity, kept.check_name, max(kept.reason) as description,
    (
        select max(found.next_step) from ops.check_result as found where found.check_name = kept.check_name and found.entity = kept.entity
    ) as next_step,
    count(case when kept.status = 'quarantined' then 1 end) as quarantined_row_count,
    count(case when kept.status = 'released' then 1 end) as released_row_count,
    count(distinct case when kept.status = 'quarantined' then kept.batch_id end) as batch_count,
    min(case when kept.status = 'quarantined' then batch.landed_at end) as since_at,
    max(case when kept.status = 'quarantined' then batch.landed_at end) as last_seen_at
from ops.quarantine as kept
inner join ops.batch as batch on batch.batch_id = kept.batch_id
group by kept.source, batch.account_id, kept.stream, kept.entity, kept.check_name
