{{ config(materialized='incremental', incremental_strategy='append', pre_hook="{{ forget_changed('change_unit') }}") }}

with ad as (

    select
        source,
        account_id,
        report_date,
        {{ ad_day('report_date') }} as change_unit,
        campaign_id,
        currency,
        impressions,
        clicks,
        cost,
        case when source like 'google%' then 'google' when source like 'yandex%' then 'yandex' else source end as click,
        lower(trim(utm_source)) as utm_source,
        lower(trim(utm_medium)) as utm_medium,
        -- Where an advertisement has no tags, its campaign's name says what it is.
        lower(trim(coalesce(utm_campaign, campaign_name))) as utm_campaign,
        cast(null as {{ dbt.type_string() }}) as referrer,
        cast(null as {{ dbt.type_string() }}) as traffic_source,
        cast(null as {{ dbt.type_string() }}) as answer
    from {{ source('core', 'ad_performance') }}
    where true {{ only_changed(ad_day('report_date')) }}

)

select
    ad.*,
    {{ origin_id() }} as origin_id,
    {{ monday('ad.report_date') }} as week_start,
    {{ money('ad.cost * rate.rate_to_base') }} as cost_base,
    ad.cost <> 0 and rate.rate_to_base is null as is_rate_missing
from ad
left join {{ ref('int_exchange_rate') }} as rate
    on rate.currency = ad.currency
    and rate.rate_date = ad.report_date
