-- depends_on: {{ ref('attribution_credit') }}
{{ config(materialized='incremental', incremental_strategy='append', tags=['after_shares'], meta={'unit': cell_unit('')}, pre_hook="{{ forget_changed(model.config.meta.unit) }}") }}

{% if is_incremental() -%}

-- A refresh adds up what the credit of touches has become; for a whole build (below) it has been added up from arrays.
with credit as (

    select
        credit.*, {{ week_start('converted_at') }} as week_start, {{ month_start('converted_at') }} as month_start
    from {{ ref('attribution_credit') }} as credit
    -- Credit of weeks in which nothing changed is not written out as units.
    where {{ week_start('converted_at') }} in (
        select cast(split_part(person_id, chr(31), 1) as date)
        from {{ source('ops', 'changed_person') }}
        where person_id like '____-__-__' || chr(31) || '%'
    )

)

select
    week_start, month_start, conversion_type, {{ credit_dimensions() | join(', ') }},
    {% for model in single_models() -%}
    cast(sum({{ model }}_credit) as numeric(38, 12)) as {{ model }}_credit,
    cast(sum(case when {{ model }}_credit = 1 then conversion_value_base end) as numeric(38, 18)) as {{ model }}_value,
    {% endfor -%}
    {% for model in sharing_models() -%}
    cast(sum({{ model }}_credit) as numeric(38, 12)) as {{ model }}_credit,
    cast(sum(conversion_value_base * {{ model }}_credit) as numeric(38, 18)) as {{ model }}_value,
    {% endfor -%}
    count(case when is_rate_missing then 1 end) as missing_rate_count
from credit
where true {{ only_changed(cell_unit('')) }}
group by week_start, month_start, conversion_type, {{ credit_dimensions() | join(', ') }}

{%- else -%}

select
    part.week_start, part.month_start, part.conversion_type,
    part.channel, part.source, part.campaign, part.content,
    coalesce(part.partner_id, case when not part.is_touched then 'unknown' when part.channel = 'partner' then part.source else 'none' end) as partner,
    {% for model in single_models() -%}
    cast(part.{{ model }}_touch as numeric(38, 12)) as {{ model }}_credit,
    cast(cast(part.{{ model }}_micros as numeric(19, 0)) * 0.000001 as numeric(38, 18)) as {{ model }}_value,
    {% endfor -%}
    {% for model in sharing_models() -%}
    cast({{ of_trillionths('cast(part.' ~ model ~ '_share as numeric(19, 0))') }} as numeric(38, 12)) as {{ model }}_credit,
    cast(
        cast(part.{{ model }}_micros as numeric(19, 0)) * 0.000001
        + {{ of_trillionths('cast(part.' ~ model ~ '_small as numeric(19, 0))') }}
        + cast(part.{{ model }}_least as numeric(19, 0)) * 0.000000000000000001
        as numeric(38, 18)
    ) as {{ model }}_value,
    {% endfor -%}
    part.missing_rate_count
from {{ source('ops', 'attribution_part') }} as part

{%- endif %}
