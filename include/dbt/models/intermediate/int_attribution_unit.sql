{{ config(materialized='view') }}

with credit as (

    select
        coalesce(person_id, '') as person_id, conversion_type, {{ credit_dimensions() | join(', ') }},
        {{ week_start('converted_at') }} as week_start, {{ month_start('converted_at') }} as month_start
    from {{ ref('attribution_credit') }}
    where coalesce(person_id, '') in (select person_id from {{ source('ops', 'changed_person') }})

)

select distinct {{ cell_unit('') }} as unit
from credit
{% for period_kind, period_start in {'week': 'week_start', 'month': 'month_start'}.items() -%}
{% for dimension in credit_dimensions() -%}
union all
select distinct {{ sum_unit("'" ~ period_kind ~ "'", period_start, 'conversion_type', "'" ~ dimension ~ "'", dimension) }}
from credit
{% endfor -%}
{% endfor -%}
union all
select distinct {{ share_unit('month_start') }}
from credit
union all
-- What is to be said of a period now, and was not.
select distinct {{ attribution_unit() }}
from (
    select judged.period_kind, judged.period_start, judged.conversion_type, judged.model, judged.dimension, judged.name
    from {{ ref('attribution') }} as judged
    inner join {{ ref('int_attribution_period') }} as period
        on period.period_kind = judged.period_kind and period.period_start = judged.period_start
    where coalesce(period.incomplete_reason, '') <> coalesce(judged.incomplete_reason, '')
) as judged_anew
