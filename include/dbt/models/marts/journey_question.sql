with visitor as (

    select visitor_id, question_order, question, min(first_at) as first_at, max(last_at) as last_at
    from {{ ref('int_question_reached') }}
    group by visitor_id, question_order, question

),

onward as (

    select
        visitor.*,
        max(last_at) over (
            partition by visitor_id order by question_order rows between 1 following and unbounded following
        ) as later_at,
        max(last_at) over (partition by visitor_id) as seen_at,
        max(last_at) over () as until_at
    from visitor

),

fate as (

    select
        visitor_id, question_order, question,
        coalesce(later_at >= first_at, false) as has_gone_on,
        {{ days_between('seen_at', 'until_at') }} <= {{ var('question_wait_days') }} as is_recent
    from onward

),

counted as (

    select question_order, question, 'all' as item_kind, 'all' as item, count(*) as reached, {{ count_where('has_gone_on') }} as went_on, {{ count_where('not has_gone_on and is_recent') }} as waiting
    from fate
    group by question_order, question

    union all

    select
        reached.question_order, reached.question, reached.item_kind, reached.item, count(*),
        {{ count_where('fate.has_gone_on') }}, {{ count_where('not fate.has_gone_on and fate.is_recent') }}
    from {{ ref('int_question_reached') }} as reached
    inner join fate on fate.visitor_id = reached.visitor_id and fate.question_order = reached.question_order
    group by reached.question_order, reached.question, reached.item_kind, reached.item

),

expected as (

    -- Questions and pages that the company names stand here even when nobody came.
    select question_order, question, 'all' as item_kind, 'all' as item
    from {{ source('ops', 'journey_question_evidence') }}
    union distinct
    select question_order, question, evidence_kind, replace(replace(evidence, '!_', '_'), '!!', '!')
    from {{ source('ops', 'journey_question_evidence') }}
    where evidence not like '%!%%' escape '!'
    union distinct
    select question_order, question, item_kind, item from counted

),

content as (

    select page_path, content_id, content_role from {{ ref('int_page_question') }} where content_id is not null
    union distinct
    select replace(replace(evidence, '!_', '_'), '!!', '!'), content_id, content_role
    from {{ source('ops', 'journey_question_evidence') }} where content_id is not null

),

bound as (

    select max(question_order) as last_question from {{ source('ops', 'journey_question_evidence') }}

)

select
    cast(expected.question_order as bigint) as question_order,
    expected.question,
    expected.item_kind,
    expected.item,
    content.content_id,
    content.content_role as declared_role,
    cast(coalesce(counted.reached, 0) as bigint) as reached,
    -- After the last question there is nothing to go on to.
    case when expected.question_order < bound.last_question then cast(coalesce(counted.went_on, 0) as bigint) end as went_on,
    case when expected.question_order < bound.last_question then cast(coalesce(counted.waiting, 0) as bigint) end as waiting,
    case when expected.question_order < bound.last_question
        then cast(coalesce(counted.reached - counted.went_on - counted.waiting, 0) as bigint)
    end as dropped,
    case when expected.question_order < bound.last_question
        then {{ ratio('counted.reached - counted.went_on - counted.waiting', 'counted.reached - counted.waiting') }}
    end as drop_rate,
    coalesce(counted.reached, 0) > 0 as is_turning
from expected
cross join bound
left join counted
    on counted.question_order = expected.question_order and counted.item_kind = expected.item_kind and counted.item = expected.item
left join content on expected.item_kind = 'page' and content.page_path = expected.item
