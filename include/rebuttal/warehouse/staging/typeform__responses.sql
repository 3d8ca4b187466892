-- One row per response. Typeform writes the year 1 for "not submitted". What the page passed along is in `hidden`.
select
    {{ landing }},
    {{ text("form_id") }} as form_id,
    {{ text("response_id") }} as response_id,
    {{ known("form_kind", "nps", "lost_deal", "exit") }} as form_kind,
    {{ instant("landed_at") }} as landed_at,
    nullif({{ instant("submitted_at") }}, timestamp with time zone '0001-01-01 00:00:00+00') as submitted_at,
    {{ integer("nps") }} as nps_score,
    {{ text("reason") }} as reason_choice,
    {{ text("comment") }} as comment,
    {{ text("source_answer") }} as self_reported_source,
    {{ text("email_hash") }} as email_hash,
    {{ known("email_kind", "personal", "role", "shared", "test", "invalid") }} as email_kind,
    {{ member("hidden", "client_id") }} as client_id,
    {{ member("hidden", "deal_id") }} as deal_id,
    {{ member("hidden", "language") }} as language,
{%- for tag in ["utm_source", "utm_medium", "utm_campaign", "utm_content", "utm_term"] %}
    {{ member("hidden", tag) }} as {{ tag }},
{%- endfor %}
    {{ unreadable() }}
from {{ landed() }}
