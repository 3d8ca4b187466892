-- The journal, a task named by its theme in words; one row per entry. Evidence without the marks of its JSON, and cut where it is
-- longer than people read.
select
    named.decision_id, named.decided_at, named.kind, named.subject, named.decision,
    case when length(named.evidence) > 240 then substr(named.evidence, 1, 240) || ' ...' else named.evidence end as evidence,
    named.decided_by, named.review_at, named.reviewed_at
from (
    select
        decision.decision_id, decision.decided_at, decision.kind, decision.decision, decision.decided_by, decision.review_at, decision.reviewed_at,
        coalesce(coalesce(content_task.task_key || ': ', '') || coalesce(theme.name_en, content_task.theme), decision.subject) as subject,
        replace(replace(replace(replace(replace(replace(decision.evidence, '"', ''), '{', ''), '}', ''), '[', ''), ']', ''), '_', ' ') as evidence
    from decision
    left join content_task on decision.kind = 'task' and content_task.task_id = decision.subject
    left join theme on theme.category || '/' || theme.theme = content_task.theme
) as named
