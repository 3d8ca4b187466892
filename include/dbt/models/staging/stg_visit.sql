{{ config(materialized='incremental', incremental_strategy='append', pre_hook="{{ forget_changed('coalesce(person_id, touchpoint_id)') }}") }}

with visit as (

    select
        'visit:' || visit.source || ':' || visit.account_id || ':' || visit.visit_id as touchpoint_id,
        visit.*,
        coalesce(visit.click_campaign_id, clicked.campaign_id) as campaign_id,
        -- Tags can be copied, a click id cannot: where they contradict each other the tags are somebody else's.
        coalesce(visit.utm_status = 'contradicts_click_id', false) as is_tag_foreign,
        device.person_id
    from {{ source('core', 'visit') }} as visit
    left join (
        select click_id, max(campaign_id) as campaign_id from {{ source('core', 'ad_click') }} group by click_id
    ) as clicked
        on clicked.click_id = visit.gclid
    left join {{ source('core', 'person_identifier') }} as device
        on device.identifier_kind = 'client_id' and device.identifier = visit.client_id

),

told as (

    select
        touchpoint_id,
        source,
        account_id,
        visit_id,
        client_id,
        started_at,
        duration_seconds,
        case when gclid <> '' then 'google' when yclid <> '' then 'yandex' end as click,
        campaign_id,
        case when not is_tag_foreign then coalesce(utm_source_norm, lower(trim(utm_source))) end as utm_source,
        case when not is_tag_foreign then coalesce(utm_medium_norm, lower(trim(utm_medium))) end as utm_medium,
        case when not is_tag_foreign then coalesce(utm_campaign_norm, lower(trim(utm_campaign))) end as utm_campaign,
        {{ host_of('referrer') }} as referrer_host,
        {{ host_of('landing_url') }} as landing_host,
        {{ path_of('landing_url') }} as landing_path,
        lower(traffic_source) as traffic_source,
        cast(null as {{ dbt.type_string() }}) as answer,
        person_id
    from visit
    where true {{ only_changed('coalesce(person_id, touchpoint_id)') }}

),

origin as (

    select
        touchpoint_id, source, account_id, visit_id, client_id, started_at, duration_seconds,
        click, campaign_id, utm_source, utm_medium, utm_campaign, traffic_source, answer, person_id, landing_path,
        -- A page of one's own site sends nobody.
        case when referrer_host <> coalesce(landing_host, '') then referrer_host end as referrer
    from told

)

select
    origin.*,
    {{ origin_id() }} as origin_id
from origin
