with lead as (

    select
        'lead:' || person_id as conversion_id,
        'lead' as conversion_type,
        person_id,
        -- Merged duplicates are one lead, as old as the oldest of them.
        min(created_at) as converted_at,
        max(case when is_mql then 1 else 0 end) = 1 as is_mql
    from {{ ref('stg_contact') }}
    where not is_test
    group by person_id
    having max(case when is_living then 1 else 0 end) = 1

)

select
    conversion_id, conversion_type, person_id, converted_at, is_mql,
    cast(null as numeric(18, 6)) as value_base,
    false as is_rate_missing
from lead
where converted_at is not null

union all

select
    'won:' || deal_key, 'won', person_id, closed_at, true, amount_base, is_rate_missing
from {{ ref('stg_deal') }}
where outcome = 'won' and closed_at is not null
