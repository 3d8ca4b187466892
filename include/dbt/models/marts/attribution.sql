{{ config(materialized='incremental', incremental_strategy='append', tags=['after_shares'], meta={'unit': attribution_unit()}, pre_hook="{{ forget_changed(model.config.meta.unit) }}") }}

{%- set finer = credit_dimensions() | reject('equalto', 'channel') | list %}

with named as (

    select
        period_kind, period_start, conversion_type, dimension, name,
        {% for model in touch_models() -%}
        {{ model }}_credit, {{ model }}_value,
        {% endfor -%}
        missing_rate_count
    from {{ made(ref('int_attribution_sum')) }}
    where true {{ only_changed(sum_unit()) }}
    union all
    select
        'all', cast(null as date), conversion_type, dimension, name,
        {% for model in touch_models() -%}
        sum({{ model }}_credit), sum({{ model }}_value),
        {% endfor -%}
        sum(missing_rate_count)
    from {{ ref('int_attribution_sum') }}
    where period_kind = 'month'
    group by conversion_type, dimension, name

),

-- Markov and Shapley by rate know channels. Within a channel they are divided like linear credit.
within_month as (

    {% for dimension in finer -%}
    select month_start, conversion_type, channel, '{{ dimension }}' as dimension, {{ dimension }} as name, sum(linear_credit) as credit
    from {{ ref('int_attribution_cell') }}
    group by month_start, conversion_type, channel, {{ dimension }}
    {% if not loop.last %}union all{% endif %}
    {% endfor %}

),

within_channel as (

    select 'month' as period_kind, month_start as period_start, conversion_type, channel, dimension, name, cast(credit as double precision) as credit
    from within_month
    union all
    select 'all', cast(null as date), conversion_type, channel, dimension, name, cast(sum(credit) as double precision)
    from within_month
    group by conversion_type, channel, dimension, name

),

channel_total as (

    select period_kind, period_start, conversion_type, name as channel, cast(linear_credit as double precision) as credit
    from {{ ref('int_attribution_sum') }}
    where dimension = 'channel' and period_kind = 'month'
    union all
    select period_kind, period_start, conversion_type, name, cast(linear_credit as double precision)
    from named
    where dimension = 'channel' and period_kind = 'all'

),

share as (

    select period_kind, period_start, conversion_type, model, channel, conversions, value_base, standard_error
    from (
        select
            period_kind, nullif(period_start, cast('1900-01-01' as date)) as period_start, conversion_type, model, channel,
            conversions, value_base, standard_error
        from {{ source('ops', 'attribution_share') }}
    ) as told
    where true {{ only_changed(share_unit()) }}

),

credited as (

    {% for model in touch_models() -%}
    select
        period_kind, period_start, conversion_type, '{{ model }}' as model, dimension, name,
        cast({{ model }}_credit as numeric(24, 12)) as conversions,
        case when missing_rate_count = 0 then cast({{ model }}_value as numeric(38, 18)) end as value_base,
        cast(null as double precision) as standard_error
    from named
    where {{ model }}_credit <> 0
    union all
    {% endfor -%}
    select
        period_kind, period_start, conversion_type, model, 'channel', channel,
        cast(conversions as numeric(24, 12)), cast(value_base as numeric(38, 18)), standard_error
    from share
    union all
    select
        share.period_kind, share.period_start, share.conversion_type, share.model, finer.dimension,
        -- A channel that is on no path to a conversion can harm, and has no name there to be divided over.
        coalesce(part.name, 'none'),
        -- Added up as decimals: the sum is the same in whatever order it is made.
        cast(sum(cast(share.conversions * coalesce(part.credit / total.credit, 1) as numeric(38, 18))) as numeric(24, 12)),
        cast(case when count(share.value_base) = count(*) then sum(cast(share.value_base * coalesce(part.credit / total.credit, 1) as numeric(38, 18))) end as numeric(38, 18)),
        cast(null as double precision)
    from share
    cross join (
        {% for dimension in finer %}select '{{ dimension }}' as dimension{% if not loop.last %} union all {% endif %}{% endfor %}
    ) as finer
    left join channel_total as total
        on total.period_kind = share.period_kind
        and coalesce(total.period_start, cast('1900-01-01' as date)) = coalesce(share.period_start, cast('1900-01-01' as date))
        and total.conversion_type = share.conversion_type
        and total.channel = share.channel
        and total.credit > 0
    left join within_channel as part
        on part.period_kind = total.period_kind
        and coalesce(part.period_start, cast('1900-01-01' as date)) = coalesce(total.period_start, cast('1900-01-01' as date))
        and part.conversion_type = total.conversion_type
        and part.channel = total.channel
        and part.dimension = finer.dimension
    group by
        share.period_kind, share.period_start, share.conversion_type, share.model, finer.dimension, coalesce(part.name, 'none')

),

judged as (

    select credited.*, period.incomplete_reason
    from credited
    left join {{ ref('int_attribution_period') }} as period
        on period.period_kind = credited.period_kind
        and coalesce(period.period_start, cast('1900-01-01' as date)) = coalesce(credited.period_start, cast('1900-01-01' as date))

)

select
    period_kind, period_start, conversion_type, model, dimension, name, conversions,
    case when conversion_type in ('won', 'repeat', 'booking_served') then value_base end as value_base,
    standard_error,
    '{{ var("base_currency") }}' as currency,
    incomplete_reason is null as is_complete,
    incomplete_reason
from judged
-- What most refreshes make again stands together at the end: rows taken out here and there cost DuckDB a new table.
order by case when model in ({% for model in touch_models() %}'{{ model }}'{% if not loop.last %}, {% endif %}{% endfor %}) and period_kind <> 'all' then 0 else 1 end, conversion_type, period_start
