-- One row per move of a contact to a lifecycle stage, from the history of that property.
select
    {{ landing }},
    {{ text("contact_id") }} as contact_id,
    {{ instant("changed_at") }} as changed_at,
    {{ known("lifecycle_stage", "subscriber", "lead", "marketingqualifiedlead", "salesqualifiedlead", "opportunity",
             "customer", "evangelist", "other") }} as lifecycle_stage,
    {{ text("source_type") }} as changed_by_kind,
    {{ unreadable() }}
from {{ landed() }}
