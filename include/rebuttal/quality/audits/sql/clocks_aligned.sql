-- One row per visit whose hits are all off by the same minutes, in days that are not shifted as a whole.
with {% include "_spans.sql" %}
select source, account_id, visit_id, cast(round(off_seconds) as bigint) as off_seconds,
    'visit ' || visit_id || ': hits ' || cast(cast(round(abs(off_seconds) / 60) as bigint) as text)
        || case when off_seconds > 0 then ' minutes after' else ' minutes before' end || ' its start' as example
from span
where is_skewed and not exists (
    select 1 from shifted
    where shifted.source = span.source and shifted.account_id = span.account_id and shifted.day = span.day
        and shifted.off_hours = span.off_hours and span.is_whole_hours
        and (shifted.hour is null or shifted.hour = span.hour)
)
