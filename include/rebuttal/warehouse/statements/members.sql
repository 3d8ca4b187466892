-- The rows among which copies of one event are looked for: what this batch brings or changes, and what core and its copies
-- hold of the same events around the same time. Grain: one row per key.
--   _group   what rows must agree in to be one event        _at   microseconds since 1970
--   origin   incoming | core | copy; place: where the row lies in core or among its copies
create temporary table {{ members }} as
with touched as (
    select distinct {{ known }} as _known
    from {{ staged }} as staged join {{ judged }} as judged on judged._row = staged._row
    where (_found in ('new', 'changed') or was_copy) and {{ known }} is not null
    {%- for table, was in [("core." ~ entity, "not was_copy"), ("core." ~ entity ~ "_copy", "was_copy")] %}
    union
    select {{ known }} from {{ table }}
    where {{ place }} in (select place from {{ judged }} where _found = 'changed' and {{ was }})
    {%- endfor %}
),
members as (
    select _id, {{ group }} as _group, {{ at_us }} as _at, 'incoming' as origin, {{ no_place }} as place
    from {{ staged }} as staged join {{ judged }} as judged on judged._row = staged._row
    where _found in ('new', 'changed') and {{ known }} is not null and {{ at }} is not null
    {%- for table, origin in [("core." ~ entity, "core"), ("core." ~ entity ~ "_copy", "copy")] %}
    union all
    select {{ id }}, {{ group }}, {{ at_us }}, '{{ origin }}', {{ place }}
    from {{ table }}
    where source = {{ source }} and account_id = {{ account_id }}
        and {{ at }} between {{ low }} and {{ high }}
        and {{ known }} in (select _known from touched)
        and {{ id }} not in (select _id from {{ judged }} where _found = 'changed')
    {%- endfor %}
)
select members.*,
    _at - lag(_at) over (partition by _group order by _at) as since_previous,
    lead(_at) over (partition by _group order by _at) - _at as until_next
from members
