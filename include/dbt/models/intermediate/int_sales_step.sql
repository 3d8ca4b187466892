with person_deal as (

    select
        deal.person_id,
        min(reached.sql_at) as sql_at,
        min(case when deal.outcome = 'won' then deal.closed_at end) as won_at,
        {{ count_where("deal.outcome = 'open'") }} as open_deals,
        {{ count_where("deal.outcome = 'lost'") }} as lost_deals
    from {{ ref('stg_deal') }} as deal
    left join {{ ref('int_stage_reached') }} as reached on reached.deal_key = deal.deal_key
    where deal.person_id is not null
    group by deal.person_id

),

lead as (

    select
        conversion.converted_at, conversion.is_mql, known.mql_at, deal.sql_at, deal.won_at,
        coalesce(deal.lost_deals > 0 and deal.open_deals = 0, false) as is_lost
    from {{ ref('int_conversion') }} as conversion
    left join (
        select person_id, min(mql_at) as mql_at from {{ ref('stg_contact') }} where not is_test group by person_id
    ) as known on known.person_id = conversion.person_id
    left join person_deal as deal on deal.person_id = conversion.person_id
    where conversion.conversion_type = 'lead'

),

deal as (

    select
        deal.created_at, reached.sql_at, reached.proposal_at, deal.outcome = 'lost' as is_lost,
        case when deal.outcome = 'won' then deal.closed_at end as won_at
    from {{ ref('stg_deal') }} as deal
    inner join {{ ref('int_stage_reached') }} as reached on reached.deal_key = deal.deal_key

),

step as (

    -- An MQL whose CRM tells no history was reached, nobody knows when.
    select 1 as step_order, 'lead_to_mql' as step, converted_at as entered_at, mql_at as reached_at, is_mql as is_reached, is_lost from lead
    union all
    select 2, 'mql_to_sql', coalesce(mql_at, converted_at), case when mql_at is not null then sql_at end, sql_at is not null, is_lost from lead where is_mql
    union all
    select 3, 'lead_to_sql', converted_at, sql_at, sql_at is not null, is_lost from lead
    union all
    select 4, 'deal_to_sql', created_at, sql_at, sql_at is not null, is_lost from deal
    union all
    select 5, 'sql_to_proposal', sql_at, proposal_at, proposal_at is not null, is_lost from deal
    union all
    select 6, 'proposal_to_won', proposal_at, won_at, won_at is not null, is_lost from deal
    union all
    select 7, 'sql_to_won', sql_at, won_at, won_at is not null, is_lost from deal
    union all
    select 8, 'lead_to_won', converted_at, won_at, won_at is not null, is_lost from lead

)

select
    step_order, step, {{ month_start('entered_at') }} as month_start,
    is_reached,
    not is_reached and is_lost as is_lost,
    is_reached and reached_at is null as is_time_unknown,
    case when reached_at >= entered_at then {{ days_between('entered_at', 'reached_at') }} end as days,
    coalesce(reached_at < entered_at, false) as is_out_of_order
from step
where entered_at is not null
