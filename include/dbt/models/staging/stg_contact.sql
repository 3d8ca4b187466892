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
    coalesce(lifecycle.stage_order >= mql.stage_order, false) as is_mql,
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
