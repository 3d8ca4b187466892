-- One row per company, archived ones included. Its type is what we call segment.
select
    {{ landing }},
    {{ text("company_id") }} as company_id,
    {{ instant("created_at") }} as created_at,
    {{ instant("updated_at") }} as updated_at,
    {{ text("name") }} as name,
    {{ text("domain") }} as domain,
    {{ text("type") }} as segment,
    {{ text("city") }} as city,
    {{ text("country") }} as country,
    {{ boolean("archived") }} as is_deleted,
    {{ unreadable() }}
from {{ landed() }}
