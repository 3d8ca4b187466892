{{ config(materialized='incremental', incremental_strategy='append', pre_hook='{{ forget_all() }}') }}

{%- set touchpoint_id = "'visit:' || visit.source || ':' || visit.account_id || ':' || visit.visit_id" %}

with {% if is_incremental() -%}
device_at_hand as (

    select identifier
    from {{ source('core', 'person_identifier') }}
    where identifier_kind = 'client_id' and person_id in (select person_id from {{ source('ops', 'changed_person') }})

),

-- Where their visits lie: mostly together at the end. Whole rows are read there only, one column everywhere.
place_at_hand as (

    select min({{ row_place() }}) as first_place, max({{ row_place() }}) as last_place
    from {{ source('core', 'visit') }}
    where client_id in (select identifier from device_at_hand)

),

-- Only what changed is joined and read apart: visits of those devices, and others that stand for themselves.
visit_at_hand as (

    select visit.*
    from {{ source('core', 'visit') }} as visit
    where client_id in (select identifier from device_at_hand)
        and visit.{{ row_place() }} between (select first_place from place_at_hand) and (select last_place from place_at_hand)
    union all
    select visit.*
    from {{ source('core', 'visit') }} as visit
    where {{ touchpoint_id }} in (select person_id from {{ source('ops', 'changed_person') }} where person_id like 'visit:%')
        and coalesce(client_id, '') not in (select identifier from device_at_hand)

),

{% endif -%}
visit as (

    select
        {{ touchpoint_id }} as touchpoint_id,
        visit.*,
        coalesce(visit.click_campaign_id, clicked.campaign_id) as campaign_id,
        -- Tags can be copied, a click id cannot: where they contradict each other the tags are somebody else's.
        coalesce(visit.utm_status = 'contradicts_click_id', false) as is_tag_foreign,
        device.person_id
    from {% if is_incremental() %}visit_at_hand{% else %}{{ source('core', 'visit') }}{% endif %} as visit
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
