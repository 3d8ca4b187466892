-- One row per stage of a deal pipeline.
select
    {{ landing }},
    {{ text("pipeline_id") }} as pipeline_id,
    {{ text("pipeline_label") }} as pipeline_label,
    {{ text("stage_id") }} as stage_id,
    {{ text("stage_label") }} as stage_label,
    {{ integer("display_order") }} as display_order,
    {{ boolean("is_closed") }} as is_closed,
    {{ real("probability") }} as probability,
    {{ unreadable() }}
from {{ landed() }}
