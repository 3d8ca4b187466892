{#- Grain: one row per stream and account. landed_row_count = admitted + held + waiting; of what was admitted,
unaccounted_row_count = landed - (new + changed + unchanged + deduplicated + quarantined + suppressed), which must be 0.
last_landed_at says when something came; covered_until (live batches, admitted) says up to which moment the data reaches. #}
select
    batch.source, batch.account_id, batch.stream, batch.entity, count(*) as batch_count,
    cast(sum(batch.row_count) as bigint) as landed_row_count,
    {%- for name in outcomes %}
    cast(coalesce(sum(case when batch.status = 'admitted' then outcome.{{ name }} end), 0) as bigint) as {{ name }}_row_count,
    {%- endfor %}
    cast(sum(case
        when batch.status = 'admitted'
            then batch.row_count{% for name in outcomes %} - coalesce(outcome.{{ name }}, 0){% endfor %}
        else 0
    end) as bigint) as unaccounted_row_count,
    count(case when batch.status = 'held' then 1 end) as held_batch_count,
    cast(coalesce(sum(case when batch.status = 'held' then batch.row_count end), 0) as bigint) as held_row_count,
    cast(coalesce(sum(case when batch.status not in ('held', 'admitted') then batch.row_count end), 0) as bigint) as waiting_row_count,
    max(batch.landed_at) as last_landed_at,
    max(case when batch.kind = 'live' and batch.status = 'admitted' then batch.window_to end) as covered_until
from ops.batch as batch
left join ops.batch_outcome as outcome on outcome.batch_id = batch.batch_id
group by batch.source, batch.account_id, batch.stream, batch.entity
