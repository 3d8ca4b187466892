select
    said.kind || ':' || said.source || ':' || said.account_id || ':' || said.conversation_id as touchpoint_id,
    said.source,
    said.account_id,
    said.kind,
    said.occurred_at,
    coalesce(person.person_id, deal.person_id) as person_id
from {{ source('core', 'conversation') }} as said
left join {{ source('core', 'person_identifier') }} as person
    on person.identifier_kind = 'contact_id'
    and person.source = said.source
    and person.account_id = said.account_id
    and person.identifier = said.contact_id
left join {{ ref('stg_deal') }} as deal
    on deal.source = said.source and deal.account_id = said.account_id and deal.deal_id = said.deal_id
where not coalesce(said.is_deleted, false) and said.occurred_at is not null
