{{ config(materialized='incremental', incremental_strategy='append', pre_hook="{{ forget_changed('person_id') }}") }}

with lead as (

    select
        person_id,
        -- Merged duplicates are one lead, as old as the oldest of them.
        min(created_at) as converted_at,
        max(case when is_mql then 1 else 0 end) = 1 as is_mql,
        min(mql_at) as mql_at
    from {{ ref('stg_contact') }}
    where not is_test {{ only_changed('person_id') }}
    group by person_id
    having max(case when is_living then 1 else 0 end) = 1

),

won as (

    select
        deal_key, person_id, closed_at, amount_base, is_rate_missing,
        row_number() over (partition by person_id order by closed_at, md5(deal_key)) as place
    from {{ ref('stg_deal') }}
    where outcome = 'won' and closed_at is not null {{ only_changed('person_id') }}

),

qualified as (

    select reached.deal_key, deal.person_id, reached.sql_at
    from {{ ref('int_stage_reached') }} as reached
    inner join {{ ref('stg_deal') }} as deal on deal.deal_key = reached.deal_key
    where reached.sql_at is not null {{ only_changed('deal.person_id') }}

),

served as (

    select booking_key, person_id, starts_at, amount_base, is_rate_missing, partner_id
    from {{ ref('int_booking_served') }}
    where starts_at is not null {{ only_changed('person_id') }}

),

conversion as (

    select 'lead:' || person_id as conversion_id, 'lead' as conversion_type, person_id, converted_at, is_mql, cast(null as numeric(18, 6)) as value_base, false as is_rate_missing, cast(null as {{ dbt.type_string() }}) as partner_id
    from lead
    union all
    -- Where the CRM tells no history, an MQL counts from when the lead came.
    select 'mql:' || person_id, 'mql', person_id, coalesce(mql_at, converted_at), true, null, false, null from lead where is_mql
    union all
    select 'sql:' || deal_key, 'sql', person_id, sql_at, true, null, false, null from qualified
    union all
    select 'won:' || deal_key, 'won', person_id, closed_at, true, amount_base, is_rate_missing, null from won
    union all
    select 'repeat:' || deal_key, 'repeat', person_id, closed_at, true, amount_base, is_rate_missing, null
    from won where place > 1 and person_id is not null
    union all
    select 'booking_served:' || booking_key, 'booking_served', person_id, starts_at, true, amount_base, is_rate_missing, partner_id
    from served

)

select
    conversion_id, conversion_type, person_id, converted_at, is_mql,
    value_base, is_rate_missing, partner_id
from conversion
where converted_at is not null
