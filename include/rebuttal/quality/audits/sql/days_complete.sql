-- One row per day without rows, of the last {{ recent_days }} of a stream, on a weekday that usually has many.
with recursive {% include "_history.sql" %}
select entity, source, account_id, day,
    entity || ' of ' || source || ': none on ' || cast(day as text) || ', usually ' || cast(cast(usual as bigint) as text)
        as example
from history
where measure = 'rows' and amount = 0 and weeks >= {{ usual_weeks }} and usual >= {{ usual_rows }}
    and day > newest_day - {{ recent_days }}
