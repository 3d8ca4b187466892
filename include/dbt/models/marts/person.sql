{{ config(materialized='incremental', incremental_strategy='append', pre_hook="{{ forget_changed('person_id') }}") }}

with contact as (

    select
        stg_contact.*,
        count(*) over (partition by person_id) as contact_count,
        row_number() over (
            partition by person_id
            order by case when is_living then 0 else 1 end, created_at, md5(source || account_id || contact_id)
        ) as place
    from {{ ref('stg_contact') }} as stg_contact
    where true {{ only_changed('person_id') }}

)

select
    identifier.person_id,
    min(identifier.first_seen_at) as first_seen_at,
    contact.source,
    contact.account_id,
    contact.contact_id,
    contact.segment,
    contact.language,
    contact.company_id,
    contact.owner_id,
    contact.lifecycle_stage,
    coalesce(contact.is_test, false) as is_test,
    cast(coalesce(contact.contact_count, 0) as bigint) as contact_count,
    {{ count_where("identifier.identifier_kind = 'client_id'") }} as device_count
from {{ source('core', 'person_identifier') }} as identifier
left join contact on contact.person_id = identifier.person_id and contact.place = 1
where true {{ only_changed('identifier.person_id') }}
group by
    identifier.person_id, contact.source, contact.account_id, contact.contact_id, contact.segment, contact.language,
    contact.company_id, contact.owner_id, contact.lifecycle_stage, contact.is_test, contact.contact_count
