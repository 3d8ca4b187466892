-- ops.merged_record as core says it now. Ids come as JSON (`["1", "2"]`) or in the CRM's own notation (`1;2`).
--   named     record_id was swallowed by named_by          reached   what one gets to by following, each pair once:
--             UNION drops repeats, so a circle ends when it has gone round
-- A record whose way leads back to itself, to nowhere, or to two living records is not resolved: nobody can say which
-- is true, and the audit `contact_merges_resolve` names it.
create {{ scratch }} {{ resolved }} as
with recursive listed as (
    select source, account_id, contact_id as named_by,
        unnest(string_to_array(replace(translate(merged_ids, '[]" ', ''), ',', ';'), ';')) as record_id
    from core.contact
    where merged_ids is not null
),
named as (
    select distinct source, account_id, record_id, named_by from listed where record_id <> '' and record_id <> named_by
),
reached(source, account_id, record_id, survivor_id) as (
    select source, account_id, record_id, named_by from named
    union
    select reached.source, reached.account_id, reached.record_id, named.named_by
    from reached
    join named on named.source = reached.source and named.account_id = reached.account_id
        and named.record_id = reached.survivor_id
),
ended as (
    select reached.source, reached.account_id, reached.record_id, min(reached.survivor_id) as survivor_id
    from reached
    left join named on named.source = reached.source and named.account_id = reached.account_id
        and named.record_id = reached.survivor_id
    where named.record_id is null
    group by reached.source, reached.account_id, reached.record_id
    having count(distinct reached.survivor_id) = 1
)
select 'contact' as entity, ended.source, ended.account_id, ended.record_id, ended.survivor_id,
    string_agg(named.named_by, ',' order by named.named_by{{ collation }}) as via
from ended
join named on named.source = ended.source and named.account_id = ended.account_id and named.record_id = ended.record_id
where not exists (
    select 1 from reached as circle
    join reached as back on back.source = circle.source and back.account_id = circle.account_id
        and back.record_id = circle.survivor_id and back.survivor_id = circle.survivor_id
    where circle.source = ended.source and circle.account_id = ended.account_id and circle.record_id = ended.record_id
)
group by ended.source, ended.account_id, ended.record_id, ended.survivor_id
