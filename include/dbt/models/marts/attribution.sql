{{ config(tags=['after_shares']) }}

{%- set finer = credit_dimensions() | reject('equalto', 'channel') | list %}

with dated as (

    select 'week' as period_kind, week_start as period_start, cell.* from {{ ref('int_attribution_cell') }} as cell
    union all
    select 'month', month_start, cell.* from {{ ref('int_attribution_cell') }} as cell
    union all
    select 'all', cast(null as date), cell.* from {{ ref('int_attribution_cell') }} as cell

),

named as (

    {% for dimension in credit_dimensions() -%}
    select
        period_kind, period_start, conversion_type, '{{ dimension }}' as dimension, {{ dimension }} as name,
        {% for model in touch_models() -%}
        sum({{ model }}_credit) as {{ model }}_credit, sum({{ model }}_value) as {{ model }}_value,
        {% endfor -%}
        sum(missing_rate_count) as missing_rate_count
    from dated
    group by period_kind, period_start, conversion_type, {{ dimension }}
    {% if not loop.last %}union all{% endif %}
    {% endfor %}

),

-- Markov and Shapley by rate know channels. Within a channel they are divided like linear credit.
within_channel as (

    {% for dimension in finer -%}
    select
        period_kind, period_start, conversion_type, channel, '{{ dimension }}' as dimension, {{ dimension }} as name,
        cast(sum(linear_credit) as double precision) as credit
    from dated
    where period_kind <> 'week'
    group by period_kind, period_start, conversion_type, channel, {{ dimension }}
    {% if not loop.last %}union all{% endif %}
    {% endfor %}

),

channel_total as (

    select period_kind, period_start, conversion_type, name as channel, cast(linear_credit as double precision) as credit
    from named
    where dimension = 'channel'

),

share as (

    select
        period_kind, nullif(period_start, cast('1900-01-01' as date)) as period_start, conversion_type, model, channel,
        conversions, value_base, standard_error
    from {{ source('ops', 'attribution_share') }}

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
        cast(sum(share.conversions * coalesce(part.credit / total.credit, 1)) as numeric(24, 12)),
        cast(case when count(share.value_base) = count(*) then sum(share.value_base * coalesce(part.credit / total.credit, 1)) end as numeric(38, 18)),
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

bound as (

    select
        {% for family in ['ads', 'visits', 'crm'] -%}
        min(case when family = '{{ family }}' then until_date end) as {{ family }}_until,
        {% endfor -%}
        cast(min(until_date) as date) as first_until,
        cast(max(until_date) as date) as last_until
    from {{ ref('source_window') }}

),

ended as (

    select
        credited.*,
        case period_kind
            when 'week' then cast(period_start + 7 as date)
            when 'month' then cast(period_start + interval '1 month' as date)
        end as period_end
    from credited

),

judged as (

    select
        ended.*,
        case
            when period_kind = 'all' and bound.first_until + 7 < bound.last_until
                then 'the sources end more than a week apart, on ' || cast(bound.first_until as {{ dbt.type_string() }}) || ' and ' || cast(bound.last_until as {{ dbt.type_string() }})
            when period_kind = 'all' then null
            when period_end > cast('{{ var("running_week_start") }}' as date) then 'the period is not over'
            when period_end > bound.visits_until then 'visits are known until ' || cast(bound.visits_until as {{ dbt.type_string() }}) || ' only'
            when period_end > bound.ads_until then 'advertising is known until ' || cast(bound.ads_until as {{ dbt.type_string() }}) || ' only'
            -- Sales may rest for a few days without being late.
            when period_end > bound.crm_until + 4 then 'the CRM is known until ' || cast(bound.crm_until as {{ dbt.type_string() }}) || ' only'
        end as incomplete_reason
    from ended
    cross join bound

)

select
    period_kind, period_start, conversion_type, model, dimension, name, conversions,
    case when conversion_type in ('won', 'repeat', 'booking_served') then value_base end as value_base,
    standard_error,
    '{{ var("base_currency") }}' as currency,
    incomplete_reason is null as is_complete,
    incomplete_reason
from judged
