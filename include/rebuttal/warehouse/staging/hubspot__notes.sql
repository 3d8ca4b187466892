-- One row per note, archived ones included. The first contact and deal in the lists are the primary ones.
select
    {{ landing }},
    {{ text("conversation_id") }} as conversation_id,
    'note' as kind,
    coalesce({{ instant("occurred_at") }}, {{ instant("created_at") }}) as occurred_at,
    {{ instant("updated_at") }} as updated_at,
    {{ text("body") }} as body,
    {{ known("direction", "inbound", "outbound") }} as direction,
    {{ text("disposition") }} as disposition,
    {{ seconds_of_ms("duration_ms") }} as duration_seconds,
    {{ text("owner_id") }} as owner_id,
    {{ member("contact_ids", "0") }} as contact_id,
    {{ member("deal_ids", "0") }} as deal_id,
    {{ boolean("archived") }} as is_deleted,
    {{ unreadable() }}
from {{ landed() }}
