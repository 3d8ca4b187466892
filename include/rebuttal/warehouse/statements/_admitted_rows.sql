{#- The landed rows of a stream's admitted batches that are not in quarantine: what the vendor has told, and we believed. #}
from {{ landing }} as landed
join ops.batch as batch on batch.batch_id = landed._batch_id
left join ops.quarantine as quarantine
    on quarantine.batch_id = landed._batch_id and quarantine.row_number = landed._row
        and quarantine.status = 'quarantined'
where batch.source = {{ source }} and batch.stream = {{ stream }} and batch.account_id = {{ account_id }}
    and batch.status = 'admitted' and quarantine.batch_id is null
