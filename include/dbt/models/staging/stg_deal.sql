{{ config(materialized='table') }}

with deal as (

    select
        source || ':' || account_id || ':' || deal_id as deal_key,
        source, account_id, deal_id, contact_id, company_id, owner_id, created_at, pipeline_id, stage_id,
        amount, currency, lost_reason, product, deal_type,
        case when is_won then 'won' when is_closed then 'lost' else 'open' end as outcome,
        -- An open deal's closing date is a hope of sales, not a fact.
        case when is_won or is_closed then closed_at end as closed_at
    from {{ source('core', 'deal') }}
    where not coalesce(is_deleted, false)

)

select
    deal.*,
    person.person_id,
    {{ money('deal.amount * rate.rate_to_base') }} as amount_base,
    deal.amount is not null and rate.rate_to_base is null as is_rate_missing
from deal
left join {{ source('core', 'person_identifier') }} as person
    on person.identifier_kind = 'contact_id'
    and person.source = deal.source
    and person.account_id = deal.account_id
    and person.identifier = deal.contact_id
left join {{ ref('int_exchange_rate') }} as rate
    on rate.currency = deal.currency
    and rate.rate_date = {{ utc_date('coalesce(deal.closed_at, deal.created_at)') }}
