with page as (

    select distinct case when page_path = '/' then '/' else rtrim(page_path, '/') end as page_path
    from {{ source('core', 'hit') }}
    where page_path is not null

),

fitting as (

    select
        page.page_path, evidence.question_order, evidence.question, evidence.content_id, evidence.content_role,
        row_number() over (
            partition by page.page_path
            -- A page named as it is goes before a pattern that covers it.
            order by case when evidence.evidence like '%!%%' escape '!' then 1 else 0 end, evidence.evidence_order
        ) as place
    from page
    inner join {{ source('ops', 'journey_question_evidence') }} as evidence
        on evidence.evidence_kind = 'page' and page.page_path like evidence.evidence escape '!'

)

select page_path, question_order, question, content_id, content_role
from fitting
where place = 1
