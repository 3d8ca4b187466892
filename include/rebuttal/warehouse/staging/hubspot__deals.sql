-- One row per deal, archived ones included. The first contact and company in the lists are the primary ones. closed_at of
-- an open deal is when sales expects to close it.
select
    {{ landing }},
    {{ text("deal_id") }} as deal_id,
    {{ instant("created_at") }} as created_at,
    {{ instant("updated_at") }} as updated_at,
    {{ instant("closed_at") }} as closed_at,
    {{ text("pipeline") }} as pipeline_id,
    {{ text("stage_id") }} as stage_id,
    {{ decimal("amount") }} as amount,
    upper({{ text("currency") }}) as currency,
    {{ boolean("is_closed") }} as is_closed,
    {{ boolean("is_won") }} as is_won,
    {{ text("lost_reason") }} as lost_reason,
    {{ text("deal_type") }} as deal_type,
    {{ text("product") }} as product,
    {{ text("owner_id") }} as owner_id,
    {{ member("contact_ids", "0") }} as contact_id,
    {{ text("contact_ids") }} as contact_ids,
    {{ member("company_ids", "0") }} as company_id,
    {{ boolean("archived") }} as is_deleted,
    {{ unreadable() }}
from {{ landed() }}
