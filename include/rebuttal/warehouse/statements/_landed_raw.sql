{#- The batch's quarantined rows as they landed, each once. #}
    select _row, _key, {{ row_json }} as raw
    from (
        select distinct on (_row) * from {{ landing }}
        where _batch_id = {{ batch_id }} and _row in (select _row from {{ judged }} where outcome = 'quarantined')
        order by _row
    ) as landed
