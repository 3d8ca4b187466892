{{ config(materialized='incremental', incremental_strategy='append', tags=['after_shares'], meta={'unit': sum_unit()}, pre_hook="{{ forget_changed(model.config.meta.unit) }}") }}

{%- set periods = {'week': 'week_start', 'month': 'month_start'} %}

{% if is_incremental() -%}
with part as (

    select
        person_id,
        split_part(person_id, chr(31), 1) as period_kind, split_part(person_id, chr(31), 2) as period_start,
        split_part(person_id, chr(31), 3) as conversion_type, split_part(person_id, chr(31), 4) as dimension
    from {{ source('ops', 'changed_person') }}
    where person_id like 'week' || chr(31) || '%' or person_id like 'month' || chr(31) || '%'

),

-- The units of changed_person as columns, so that cells need not be written out as units. Whatever stands in a name stays.
changed as (

    select
        period_kind, cast(period_start as date) as period_start, conversion_type, dimension,
        substr(person_id, length(period_kind) + length(period_start) + length(conversion_type) + length(dimension) + 5) as name
    from part

),

-- Most refreshes change few weeks: cells of others are not carried through the ten sums below.
span as (

    select distinct cell.week_start, cell.month_start, cell.conversion_type
    from {{ ref('int_attribution_cell') }} as cell
    inner join (select distinct period_kind, period_start, conversion_type from changed) as period
        on period.conversion_type = cell.conversion_type
        and period.period_start = case period.period_kind when 'week' then cell.week_start else cell.month_start end

),

cell_at_hand as (

    select cell.*
    from {{ ref('int_attribution_cell') }} as cell
    inner join span
        on span.week_start = cell.week_start and span.month_start = cell.month_start
        and span.conversion_type = cell.conversion_type

)

{% for period_kind, period_start in periods.items() -%}
{% set last_period = loop.last -%}
{% for dimension in credit_dimensions() -%}
select
    '{{ period_kind }}' as period_kind, cell.{{ period_start }} as period_start, cell.conversion_type,
    '{{ dimension }}' as dimension, cell.{{ dimension }} as name,
    {{ credit_sums('cell') }}
from cell_at_hand as cell
inner join changed
    on changed.period_kind = '{{ period_kind }}' and changed.period_start = cell.{{ period_start }}
    and changed.conversion_type = cell.conversion_type
    and changed.dimension = '{{ dimension }}' and changed.name = cell.{{ dimension }}
group by cell.{{ period_start }}, cell.conversion_type, cell.{{ dimension }}
{% if not (loop.last and last_period) %}union all{% endif %}
{% endfor -%}
{% endfor %}
{%- else -%}

-- A week has days of two months at most: weeks and months are added up from few rows.
with named as (

    {% for dimension in credit_dimensions() -%}
    select
        cell.week_start, cell.month_start, cell.conversion_type, '{{ dimension }}' as dimension, cell.{{ dimension }} as name,
        {{ credit_sums('cell') }}
    from {{ ref('int_attribution_cell') }} as cell
    group by cell.week_start, cell.month_start, cell.conversion_type, cell.{{ dimension }}
    {% if not loop.last %}union all{% endif %}
    {% endfor %}
)

{% for period_kind, period_start in periods.items() -%}
select
    '{{ period_kind }}' as period_kind, named.{{ period_start }} as period_start, named.conversion_type, named.dimension, named.name,
    {{ credit_sums('named') }}
from named
group by named.{{ period_start }}, named.conversion_type, named.dimension, named.name
{% if not loop.last %}union all{% endif %}
{% endfor %}
{%- endif %}
