-- One row per {{ entity }} that follows an equal one within {{ rule.seconds }} seconds: the merge should have folded it.
with ordered as (
    select source, account_id, {{ key | join(", ") }}, {{ rule.at }},
        lag({{ rule.at }}) over (
            partition by source, account_id, {{ rule.columns | join(", ") }} order by {{ rule.at }}, {{ key | join(", ") }}
        ) as before_at
    from core.{{ entity }}
    where coalesce({{ rule.known | join(", ") }}) is not null
        and {{ rule.at }} >= (select max({{ rule.at }}) from core.{{ entity }}) - interval '{{ recent_days }} days'
)
select source, account_id, {{ key | join(", ") }},
    '{{ entity }} ' || cast({{ key[-1] }} as text) || ' at ' || cast({{ rule.at }} at time zone 'UTC' as text) || ' UTC'
        as example
from ordered where before_at >= {{ rule.at }} - interval '{{ rule.seconds }} seconds'
