-- One row per entry of a deal into a stage, from the history of its stage property.
select
    {{ landing }},
    {{ text("deal_id") }} as deal_id,
    {{ instant("changed_at") }} as changed_at,
    {{ text("stage_id") }} as stage_id,
    {{ text("source_type") }} as changed_by_kind,
    {{ unreadable() }}
from {{ landed() }}
