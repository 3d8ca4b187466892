-- One row per member of the sales team.
select
    {{ landing }},
    {{ text("owner_id") }} as owner_id,
    {{ text("team") }} as team,
    not {{ boolean("archived") }} as is_active,
    {{ instant("updated_at") }} as updated_at,
    {{ unreadable() }}
from {{ landed() }}
