-- One row per record that the vendor says it merged and that leads to no single living record: a circle, or two survivors.
with named as (
    select distinct source, account_id, contact_id as survivor_id,
        unnest(string_to_array(replace(translate(merged_ids, '[]" ', ''), ',', ';'), ';')) as record_id
    from core.contact where merged_ids is not null
)
select named.source, named.account_id, named.record_id,
    'contact ' || named.record_id || ' is said to be merged into ' || min(named.survivor_id)
        || case when count(*) > 1 then ' and ' || max(named.survivor_id) else '' end as example
from named
left join ops.merged_record as merged on merged.entity = 'contact' and merged.source = named.source
    and merged.account_id = named.account_id and merged.record_id = named.record_id
where named.record_id not in ('', named.survivor_id) and merged.record_id is null
group by named.source, named.account_id, named.record_id
