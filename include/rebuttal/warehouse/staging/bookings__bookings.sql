-- One row per booking, cancelled and deleted ones included. E-mail and phone arrive as keyed hashes with their kind.
select
    {{ landing }},
    {{ text("booking_id") }} as booking_id,
    {{ text("partner_id") }} as partner_id,
    {{ text("service") }} as service,
    {{ text("specialist") }} as specialist,
    {{ instant("starts_at") }} as starts_at,
    {{ instant("created_at") }} as created_at,
    {{ instant("updated_at") }} as updated_at,
    {{ text("status") }} as status,
    {{ text("email_hash") }} as email_hash,
    {{ known("email_kind", "personal", "role", "shared", "test", "invalid") }} as email_kind,
    {{ text("phone_hash") }} as phone_hash,
    {{ known("phone_kind", "personal", "role", "shared", "test", "invalid") }} as phone_kind,
    {{ decimal("amount") }} as amount,
    upper({{ text("currency") }}) as currency,
    {{ boolean("archived") }} as is_deleted,
    {{ unreadable() }}
from {{ landed() }}
