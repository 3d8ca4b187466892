with entry as (

    select source, account_id, deal_id, stage_id, changed_at
    from {{ source('core', 'stage_change') }}

    union all

    -- A deal without history entered the stage it is in when it was created.
    select deal.source, deal.account_id, deal.deal_id, deal.stage_id, deal.created_at
    from {{ source('core', 'deal') }} as deal
    left join {{ source('core', 'stage_change') }} as known
        on known.source = deal.source and known.account_id = deal.account_id and known.deal_id = deal.deal_id
    where known.deal_id is null

)

select
    deal.deal_key,
    entry.changed_at,
    entry.stage_id,
    stage.stage_label,
    stage.display_order,
    coalesce(stage.is_closed, false) as is_closed,
    stage.probability
from entry
inner join {{ ref('stg_deal') }} as deal
    on deal.source = entry.source and deal.account_id = entry.account_id and deal.deal_id = entry.deal_id
inner join {{ source('core', 'pipeline_stage') }} as stage
    on stage.source = deal.source
    and stage.account_id = deal.account_id
    and stage.pipeline_id = deal.pipeline_id
    and stage.stage_id = entry.stage_id
