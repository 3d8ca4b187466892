select
    deal.deal_key,
    coalesce(
        min(case when {{ passed('sql_min_probability') }} then entry.changed_at end),
        case when deal.outcome = 'won' then deal.closed_at end
    ) as sql_at,
    coalesce(
        min(case when {{ passed('proposal_min_probability') }} then entry.changed_at end),
        case when deal.outcome = 'won' then deal.closed_at end
    ) as proposal_at
from {{ ref('stg_deal') }} as deal
left join {{ ref('stg_stage_entry') }} as entry on entry.deal_key = deal.deal_key
group by deal.deal_key, deal.outcome, deal.closed_at
