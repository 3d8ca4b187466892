{{ config(materialized='incremental', incremental_strategy='append', pre_hook="{{ forget_changed('person_id') }}") }}

with touch as (

    select
        deal.deal_key,
        touchpoint.channel,
        row_number() over (
            partition by deal.deal_key
            order by
                case when touchpoint.channel = 'direct' then 1 else 0 end,
                touchpoint.occurred_at, md5(touchpoint.touchpoint_id)
        ) as place
    from {{ ref('stg_deal') }} as deal
    inner join {{ made(ref('touchpoint')) }} as touchpoint
        on touchpoint.person_id = deal.person_id
        and touchpoint.is_credited
        and touchpoint.occurred_at <= deal.created_at
    where {{ days_between('touchpoint.occurred_at', 'deal.created_at') }} <= {{ var('lookback_days') }}
        {{ only_changed('touchpoint.person_id') }}

),

open_stage as (

    select
        deal_key, stage_id, stage_label,
        row_number() over (partition by deal_key order by changed_at desc, display_order desc) as place
    from {{ ref('stg_stage_entry') }}
    where not is_closed

)

select
    deal.deal_id, deal.source, deal.account_id, deal.person_id, deal.contact_id, deal.company_id,
    deal.created_at, deal.closed_at, deal.outcome, deal.pipeline_id, deal.stage_id, stage.stage_label,
    deal.amount, deal.currency, deal.amount_base, '{{ var("base_currency") }}' as base_currency, deal.is_rate_missing,
    deal.lost_reason, deal.product, deal.deal_type, deal.owner_id,
    person.segment, person.language,
    coalesce(touch.channel, 'unknown') as channel,
    case when deal.outcome = 'lost' then open_stage.stage_id end as last_stage_before_loss,
    case when deal.outcome = 'lost' then open_stage.stage_label end as last_stage_label
from {{ ref('stg_deal') }} as deal
left join {{ source('core', 'pipeline_stage') }} as stage
    on stage.source = deal.source and stage.account_id = deal.account_id
    and stage.pipeline_id = deal.pipeline_id and stage.stage_id = deal.stage_id
left join {{ made(ref('person')) }} as person on person.person_id = deal.person_id
left join touch on touch.deal_key = deal.deal_key and touch.place = 1
left join open_stage on open_stage.deal_key = deal.deal_key and open_stage.place = 1
where true {{ only_changed('deal.person_id') }}
