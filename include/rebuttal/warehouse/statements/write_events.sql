-- The same for events: a row of core that turned out to be a copy sinks into core.<entity>_copy, a copy that has lost its
-- original is freed, and what came new or changed goes where the folds say.
{%- set all = "source, account_id, " ~ (columns | join(", ")) ~ ", batch_id, row_number, row_hash" %}
{%- set mine = "source = " ~ source ~ " and account_id = " ~ account_id %}
create temporary table {{ sunk }} as
select row_.*, {{ id }} as _id from core.{{ entity }} as row_
where {{ place }} in (
    select place from {{ members }} where origin = 'core' and _id in (select _id from {{ folds }})
);

create temporary table {{ freed }} as
select row_.*, {{ id }} as _id from core.{{ entity }}_copy as row_
where {{ place }} in (
    select place from {{ members }} where origin = 'copy' and _id not in (select _id from {{ folds }})
);

delete from core.{{ entity }} where {{ place }} in (
    select place from {{ judged }} where _found = 'changed' and not was_copy
    union all
    select place from {{ members }} where origin = 'core' and _id in (select _id from {{ folds }})
);

delete from core.{{ entity }}_copy where {{ place }} in (
    select place from {{ judged }} where _found = 'changed' and was_copy
    union all
    select place from {{ members }} where origin = 'copy' and _id not in (select _id from {{ folds }})
);

insert into core.{{ entity }} ({{ all }})
select source, account_id, {{ columns | join(", ") }}, batch_id, staged._row, row_hash
from {{ written }} as staged join {{ judged }} as judged on judged._row = staged._row
where _found in ('new', 'changed') and _id not in (select _id from {{ folds }})
union all
select {{ all }} from {{ freed }};

insert into core.{{ entity }}_copy ({{ all }})
select source, account_id, {{ columns | join(", ") }}, batch_id, staged._row, row_hash
from {{ written }} as staged join {{ judged }} as judged on judged._row = staged._row
where _found in ('new', 'changed') and _id in (select _id from {{ folds }})
union all
select {{ all }} from {{ sunk }};

-- The evidence of rows that other batches brought: folded now, set free now, or given another original now.
insert into ops.duplicate
    (batch_id, row_number, entity, source, natural_key, survivor_key, kind, folded_by_batch_id)
select sunk.batch_id, sunk.row_number, '{{ entity }}', sunk.source, folds._id, folds._survivor, '{{ kind }}', {{ batch_id }}
from {{ sunk }} as sunk join {{ folds }} as folds on folds._id = sunk._id;

update ops.duplicate set undone_by_batch_id = {{ batch_id }}
where entity = '{{ entity }}' and kind = '{{ kind }}' and undone_by_batch_id is null
    and batch_id in (select batch_id from ops.batch where {{ mine }})
    and natural_key in (select _id from {{ freed }});

update ops.duplicate set survivor_key = folds._survivor from {{ folds }} as folds
where entity = '{{ entity }}' and kind = '{{ kind }}' and undone_by_batch_id is null
    and batch_id in (select batch_id from ops.batch where {{ mine }})
    and natural_key = folds._id and survivor_key <> folds._survivor
