-- One row per source, account and day (or single hour: that in which clocks change) told in another zone.
with {% include "_spans.sql" %}
select source, account_id, day, hour, off_hours, visits,
    cast(coalesce(cast(hour as text), cast(day as text)) as text) || ' UTC, ' || source || ': hits of '
        || cast(visits as text) || ' of ' || cast(all_visits as text) || ' visits are ' || cast(abs(off_hours) as text)
        || case when off_hours > 0 then ' h late' else ' h early' end as example
from shifted
