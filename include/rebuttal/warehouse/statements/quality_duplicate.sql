{#- Grain: one row per source, entity and kind of duplicate. folded_row_count counts copies that are folded into another row now,
undone_row_count those that a later batch set free again. #}
select
    copy.source, copy.entity, copy.kind,
    count(case when copy.undone_by_batch_id is null then 1 end) as folded_row_count,
    count(copy.undone_by_batch_id) as undone_row_count,
    count(distinct case when copy.undone_by_batch_id is null then copy.survivor_key end) as survivor_count,
    max(batch.landed_at) as last_seen_at
from ops.duplicate as copy
inner join ops.batch as batch on batch.batch_id = copy.folded_by_batch_id
group by copy.source, copy.entity, copy.kind
