{#- How much each stream has a day. Grain of `history`: one row per entity, source, account, measure and calendar day (UTC)
    between its first and its newest day; days without rows have 0. `usual` is the median of the same weekday, `spread`
    the median distance from it, `weeks` how many such days there are. -#}
counted as (
{%- for entity, day, measure in streams %}
    select '{{ entity }}' as entity, source, account_id, '{{ measure }}' as measure, {{ day }} as day,
        {% if measure == "rows" %}cast(count(*) as double precision){% else -%}
        cast(coalesce(sum({{ measure }}), 0) as double precision){% endif %} as amount
    from core.{{ entity }}
    where {{ day }} >= cast((select max(landed_at) from ops.batch) at time zone 'UTC' as date) - {{ days }}
    group by source, account_id, {{ day }}
    {% if not loop.last %}union all{% endif %}
{%- endfor %}
),
stream as (
    select entity, source, account_id, measure, min(day) as first_day, max(day) as newest_day, count(*) as day_count
    from counted group by entity, source, account_id, measure
),
calendar(day) as (
    select min(first_day) from stream
    union all
    select day + 1 from calendar where day < (select max(newest_day) from stream)
),
grid as (
    select stream.*, calendar.day, coalesce(counted.amount, 0) as amount, extract(isodow from calendar.day) as weekday
    from stream
    join calendar on calendar.day between stream.first_day and stream.newest_day
    left join counted on counted.entity = stream.entity and counted.source = stream.source
        and counted.account_id = stream.account_id and counted.measure = stream.measure and counted.day = calendar.day
),
middle as (
    select entity, source, account_id, measure, weekday, count(*) as weeks,
        percentile_cont(0.5) within group (order by amount) as usual
    from grid group by entity, source, account_id, measure, weekday
),
apart as (
    select grid.entity, grid.source, grid.account_id, grid.measure, grid.weekday,
        percentile_cont(0.5) within group (order by abs(grid.amount - middle.usual)) as spread
    from grid
    join middle on middle.entity = grid.entity and middle.source = grid.source and middle.account_id = grid.account_id
        and middle.measure = grid.measure and middle.weekday = grid.weekday
    group by grid.entity, grid.source, grid.account_id, grid.measure, grid.weekday
),
history as (
    select grid.*, middle.usual, middle.weeks, apart.spread
    from grid
    join middle on middle.entity = grid.entity and middle.source = grid.source and middle.account_id = grid.account_id
        and middle.measure = grid.measure and middle.weekday = grid.weekday
    join apart on apart.entity = grid.entity and apart.source = grid.source and apart.account_id = grid.account_id
        and apart.measure = grid.measure and apart.weekday = grid.weekday
)
