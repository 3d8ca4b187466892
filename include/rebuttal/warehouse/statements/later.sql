-- Keys that a batch of the same stream, landed later and already admitted, has told about. Needed only when a batch is
-- admitted out of turn (a released hold or quarantine): what was landed later is the newer knowledge.
create temporary table {{ later }} as
select distinct landed._key
from {{ landing }} as landed
join ops.batch as batch on batch.batch_id = landed._batch_id
left join ops.quarantine as quarantine
    on quarantine.batch_id = landed._batch_id and quarantine.row_number = landed._row
        and quarantine.status = 'quarantined'
where batch.source = {{ source }} and batch.stream = {{ stream }} and batch.account_id = {{ account_id }}
    and batch.status = 'admitted' and batch.sequence > {{ sequence }} and quarantine.batch_id is null
