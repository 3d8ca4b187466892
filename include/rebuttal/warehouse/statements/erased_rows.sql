-- Every landed version of the records of which one names an erased person. Grain: batch_id, row_number.
--   is_hit    this version names them      is_core   core (or a folded copy) is made of this version
--   kept_out  quarantined, or deduplicated by the evidence that the recount goes by
select landed.batch_id, landed.row_number, landed.landed_key, landed.row_hash, landed.sequence, landed.status,
    hit.batch_id is not null as is_hit, made.batch_id is not null as is_core,
    case
        when quarantine.batch_id is not null then 'quarantined'
        when duplicate.batch_id is not null then 'deduplicated'
    end as kept_out
from (
    select landed._batch_id as batch_id, landed._row as row_number, min(landed._key) as landed_key,
        min(landed._row_hash) as row_hash, min(batch.sequence) as sequence, min(batch.status) as status
    from {{ landing }} as landed
    join ops.batch as batch on batch.batch_id = landed._batch_id
    where batch.account_id = :account_id and landed._key in (select landed_key from erased_hit)
        and landed._defect is distinct from :erased
    group by landed._batch_id, landed._row
) as landed
left join (select distinct batch_id, row_number from erased_hit) as hit
    on hit.batch_id = landed.batch_id and hit.row_number = landed.row_number
left join (
    {%- for table in core %}
    select batch_id, row_number from {{ table }}
    {%- if not loop.last %}
    union
    {%- endif %}
    {%- endfor %}
) as made on made.batch_id = landed.batch_id and made.row_number = landed.row_number
left join ops.quarantine as quarantine
    on quarantine.batch_id = landed.batch_id and quarantine.row_number = landed.row_number
        and quarantine.status = 'quarantined'
left join ops.duplicate as duplicate
    on duplicate.batch_id = landed.batch_id and duplicate.row_number = landed.row_number
        and duplicate.folded_by_batch_id = duplicate.batch_id
