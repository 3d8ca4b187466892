-- The rows among which copies of one event are looked for: what this batch brings or changes, and what core and its copies
-- hold of the same events around the same time. Grain: one row per key.
--   _group   what rows must agree in to be one event        _at   microseconds since 1970
--   origin   incoming | core | copy
create {{ scratch }} {{ members }} as
with touched as (
    select distinct {{ known }} as _known
    from {{ staged }} as staged join {{ judged }} as judged on judged._row = staged._row
    where (_found in ('new', 'changed') or was_copy) and {{ known }} is not null
    {%- for place in ["core." ~ entity, "core." ~ entity ~ "_copy"] %}
    union
    select {{ known }} from {{ place }}
    where source = {{ source }} and account_id = {{ account_id }}
        and {{ id }} in (select _id from {{ judged }} where _found = 'changed')
    {%- endfor %}
),
members as (
    select _id, {{ group }} as _group, {{ at_us }} as _at, 'incoming' as origin
    from {{ staged }} as staged join {{ judged }} as judged on judged._row = staged._row
    where _found in ('new', 'changed') and {{ known }} is not null and {{ at }} is not null
    {%- for place, origin in [("core." ~ entity, "core"), ("core." ~ entity ~ "_copy", "copy")] %}
    union all
    select {{ id }}, {{ group }}, {{ at_us }}, '{{ origin }}'
    from {{ place }}
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
