with read as (

    select
        coalesce(device.person_id, 'device:' || hit.client_id) as visitor_id,
        page.question_order, page.question, 'page' as item_kind, page.page_path as item,
        min(hit.occurred_at) as first_at, max(hit.occurred_at) as last_at
    from {{ source('core', 'hit') }} as hit
    inner join {{ ref('int_page_question') }} as page
        on page.page_path = case when hit.page_path = '/' then '/' else rtrim(hit.page_path, '/') end
    left join {{ source('core', 'person_identifier') }} as device
        on device.identifier_kind = 'client_id' and device.identifier = hit.client_id
    where coalesce(hit.is_page_view, true) and hit.client_id is not null and hit.occurred_at is not null
    group by 1, 2, 3, 4, 5

),

happened as (

    select person_id, 'conversion' as kind, 'lead' as evidence, converted_at as occurred_at
    from {{ ref('int_conversion') }} where conversion_type = 'lead'
    union all
    select person_id, 'stage', 'mql', converted_at
    from {{ ref('int_conversion') }} where conversion_type = 'lead' and is_mql
    {%- for stage, at in [('sql', 'reached.sql_at'), ('proposal', 'reached.proposal_at'), ('won', "case when deal.outcome = 'won' then deal.closed_at end")] %}
    union all
    select deal.person_id, 'stage', '{{ stage }}', {{ at }}
    from {{ ref('stg_deal') }} as deal
    inner join {{ ref('int_stage_reached') }} as reached on reached.deal_key = deal.deal_key
    {%- endfor %}

)

select * from read

union all

select
    happened.person_id, evidence.question_order, evidence.question, evidence.evidence_kind, evidence.evidence,
    min(happened.occurred_at), max(happened.occurred_at)
from happened
inner join {{ source('ops', 'journey_question_evidence') }} as evidence
    on evidence.evidence_kind = happened.kind and evidence.evidence = happened.evidence
where happened.person_id is not null and happened.occurred_at is not null
group by happened.person_id, evidence.question_order, evidence.question, evidence.evidence_kind, evidence.evidence
