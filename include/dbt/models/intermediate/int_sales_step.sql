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
        conversion.converted_at, conversion.is_mql, deal.sql_at, deal.won_at,
        coalesce(deal.lost_deals > 0 and deal.open_deals = 0, false) as is_lost
    from {{ ref('int_conversion') }} as conversion
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

    -- The CRM's contacts say what they are now, not since when: no time of becoming an MQL is known.
    select 1 as step_order, 'lead_to_mql' as step, converted_at as entered_at, cast(null as timestamp with time zone) as reached_at, is_lost and not is_mql as is_lost, false as is_measured from lead
    union all
    select 2, 'lead_to_sql', converted_at, sql_at, is_lost, true from lead
    union all
    select 3, 'deal_to_sql', created_at, sql_at, is_lost, true from deal
    union all
    select 4, 'sql_to_proposal', sql_at, proposal_at, is_lost, true from deal
    union all
    select 5, 'proposal_to_won', proposal_at, won_at, is_lost, true from deal
    union all
    select 6, 'sql_to_won', sql_at, won_at, is_lost, true from deal
    union all
    select 7, 'lead_to_won', converted_at, won_at, is_lost, true from lead

)

select
    step_order, step, {{ month_start('entered_at') }} as month_start, is_measured,
    reached_at is not null as is_reached,
    reached_at is null and is_lost as is_lost,
    case when reached_at >= entered_at then {{ days_between('entered_at', 'reached_at') }} end as days,
    coalesce(reached_at < entered_at, false) as is_out_of_order
from step
where entered_at is not null
