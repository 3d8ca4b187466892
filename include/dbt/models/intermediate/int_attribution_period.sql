with period as (

    select distinct 'week' as period_kind, {{ week_start('converted_at') }} as period_start from {{ ref('int_conversion') }}
    union all
    select distinct 'month', {{ month_start('converted_at') }} from {{ ref('int_conversion') }}
    union all
    select 'all', cast(null as date)

),

ended as (

    select
        period_kind, period_start,
        case period_kind
            when 'week' then cast(period_start + 7 as date)
            when 'month' then cast(period_start + interval '1 month' as date)
        end as period_end
    from period

),

bound as (

    select
        {% for family in ['ads', 'visits', 'crm'] -%}
        min(case when family = '{{ family }}' then until_date end) as {{ family }}_until,
        {% endfor -%}
        cast(min(until_date) as date) as first_until,
        cast(max(until_date) as date) as last_until
    from {{ ref('source_window') }}

)

select
    ended.period_kind, ended.period_start,
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
