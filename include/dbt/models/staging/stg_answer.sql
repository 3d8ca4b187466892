{{ config(materialized='table') }}

with answer as (

    select
        'answer:' || source || ':' || account_id || ':' || contact_id as touchpoint_id,
        source, account_id, person_id, created_at as answered_at, 'crm' as source_kind, self_reported_source as said
    from {{ ref('stg_contact') }}

    union all

    select
        'answer:' || response.source || ':' || response.account_id || ':' || response.form_id || ':' || response.response_id,
        response.source, response.account_id,
        coalesce(by_email.person_id, by_device.person_id, deal.person_id),
        response.submitted_at, 'survey', response.self_reported_source
    from {{ source('core', 'survey_response') }} as response
    left join (
        select identifier, person_id from {{ source('core', 'person_identifier') }}
        where identifier_kind = 'email_hash' and identifier in (select email_hash from {{ source('core', 'survey_response') }})
    ) as by_email on by_email.identifier = response.email_hash
    left join (
        select identifier, person_id from {{ source('core', 'person_identifier') }}
        where identifier_kind = 'client_id' and identifier in (select client_id from {{ source('core', 'survey_response') }})
    ) as by_device on by_device.identifier = response.client_id
    left join (select deal_id, min(person_id) as person_id from {{ ref('stg_deal') }} group by deal_id having count(*) = 1) as deal
        on deal.deal_id = response.deal_id

)

select
    answer.*,
    cast(null as {{ dbt.type_string() }}) as click,
    cast(null as {{ dbt.type_string() }}) as campaign_id,
    cast(null as {{ dbt.type_string() }}) as utm_source,
    cast(null as {{ dbt.type_string() }}) as utm_medium,
    cast(null as {{ dbt.type_string() }}) as utm_campaign,
    cast(null as {{ dbt.type_string() }}) as referrer,
    cast(null as {{ dbt.type_string() }}) as traffic_source,
    lower(trim(said)) as answer,
    md5(chr(31) || chr(31) || chr(31) || chr(31) || chr(31) || chr(31) || chr(31) || lower(trim(said))) as origin_id
from answer
where trim(said) <> ''
