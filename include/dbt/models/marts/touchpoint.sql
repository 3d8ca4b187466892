{{ config(materialized='incremental', incremental_strategy='append', pre_hook="{{ forget_changed('coalesce(person_id, touchpoint_id)') }}") }}

with seen_before as (

    select
        visit.*,
        lag(origin_id) over device as last_origin_id,
        lag(started_at) over device as last_started_at,
        lag(duration_seconds) over device as last_duration_seconds
    from {{ ref('stg_visit') }} as visit
    where true {{ only_changed('coalesce(person_id, touchpoint_id)') }}
    window device as (partition by source, account_id, client_id order by started_at, visit_id)

),

visit as (

    select
        visit.touchpoint_id, visit.person_id, visit.started_at as occurred_at, origin.channel, 'visit' as kind,
        visit.visit_id, visit.utm_campaign as campaign, 'analytics' as source_kind, visit.source, visit.account_id,
        visit.person_id is not null and not {{ continues_visit('visit') }} as is_credited,
        {{ continues_visit('visit') }} as is_continued,
        coalesce(visit.utm_source, visit.click, visit.referrer) as source_name, visit.landing_path as content
    from seen_before as visit
    inner join {{ ref('int_origin_channel') }} as origin on origin.origin_id = visit.origin_id

),

seen as (

    select person_id, min(occurred_at) as first_visit_at from visit where person_id is not null group by person_id

),

answer as (

    select
        answer.*, origin.channel,
        row_number() over (
            partition by answer.person_id, origin.channel order by answer.answered_at, md5(answer.touchpoint_id)
        ) as place
    from {{ ref('stg_answer') }} as answer
    inner join {{ ref('int_origin_channel') }} as origin on origin.origin_id = answer.origin_id
    where answer.person_id is not null {{ only_changed('answer.person_id') }}

)

select * from visit

union all

-- "How did you hear of us" is about the beginning: it stands at the first moment we know of the person, and earns credit
-- only where no visit shows the same channel already.
select
    answer.touchpoint_id, answer.person_id,
    case when seen.first_visit_at < answer.answered_at then seen.first_visit_at else answer.answered_at end,
    answer.channel, 'survey', cast(null as {{ dbt.type_string() }}), cast(null as {{ dbt.type_string() }}),
    answer.source_kind, answer.source, answer.account_id,
    answer.channel <> 'unknown' and shown.person_id is null,
    false, 'answer', cast(null as {{ dbt.type_string() }})
from answer
left join seen on seen.person_id = answer.person_id
left join (select distinct person_id, channel from visit) as shown
    on shown.person_id = answer.person_id and shown.channel = answer.channel
where answer.place = 1

union all

select
    touchpoint_id, person_id, occurred_at, 'sales', kind, cast(null as {{ dbt.type_string() }}),
    cast(null as {{ dbt.type_string() }}), 'crm', source, account_id,
    {{ var('sales_touches_earn_credit') }} and person_id is not null,
    false, 'sales', cast(null as {{ dbt.type_string() }})
from {{ ref('stg_sales_touch') }}
where true {{ only_changed('coalesce(person_id, touchpoint_id)') }}
