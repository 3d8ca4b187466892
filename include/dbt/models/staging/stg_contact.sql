{{ config(materialized='table') }}

with known as (

    -- Since when the CRM's own history has had a contact as an MQL or beyond.
    select
        change.source, change.account_id, change.contact_id,
        min(case when lifecycle.stage_order >= mql.stage_order then change.changed_at end) as mql_at
    from {{ source('core', 'lifecycle_change') }} as change
    inner join {{ source('ops', 'lifecycle_stage') }} as lifecycle
        on lifecycle.lifecycle_stage = lower(change.lifecycle_stage)
    inner join {{ source('ops', 'lifecycle_stage') }} as mql
        on mql.lifecycle_stage = '{{ var("mql_from") }}'
    group by change.source, change.account_id, change.contact_id

)

select
    contact.source,
    contact.account_id,
    contact.contact_id,
    person.person_id,
    contact.created_at,
    contact.segment,
    contact.language,
    contact.company_id,
    contact.owner_id,
    lower(contact.lifecycle_stage) as lifecycle_stage,
    contact.self_reported_source,
    coalesce(lifecycle.stage_order >= mql.stage_order, false) or known.mql_at is not null as is_mql,
    known.mql_at,
    coalesce(contact.email_kind = 'test' or contact.phone_kind = 'test', false) as is_test,
    not coalesce(contact.is_deleted, false) as is_living
from {{ source('core', 'contact') }} as contact
inner join {{ source('core', 'person_identifier') }} as person
    on person.identifier_kind = 'contact_id'
    and person.source = contact.source
    and person.account_id = contact.account_id
    and person.identifier = contact.contact_id
left join {{ source('ops', 'lifecycle_stage') }} as lifecycle
    on lifecycle.lifecycle_stage = lower(contact.lifecycle_stage)
left join {{ source('ops', 'lifecycle_stage') }} as mql
    on mql.lifecycle_stage = '{{ var("mql_from") }}'
left join known
    on known.source = contact.source
    and known.account_id = contact.account_id
    and known.contact_id = contact.contact_id
