-- One row per day, of the last {{ recent_days }} of a stream, far from the median of its weekday: by {{ volume_spreads }}
-- robust standard deviations (1.4826 x median distance; never less than chance makes of a count) and by half or double.
with recursive {% include "_history.sql" %}
select entity, source, account_id, day, measure,
    entity || ' of ' || source || ', ' || cast(day as text) || ': ' || cast(cast(amount as bigint) as text) || ' '
        || measure || ', usually ' || cast(cast(usual as bigint) as text) as example
from history
where amount > 0 and weeks >= {{ usual_weeks }} and usual >= {{ usual_rows }}
    and day > newest_day - {{ recent_days }} and day > first_day and day < newest_day
    and abs(amount - usual) > {{ volume_spreads }} * greatest(1.4826 * spread, sqrt(usual))
    and (amount < usual / 2 or amount > usual * 2)
