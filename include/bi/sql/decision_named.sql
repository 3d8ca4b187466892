-- The journal, a task named by its theme; one row per entry. Evidence is cut where it is longer than people read.
select
    decision.decision_id, decision.decided_at, decision.kind,
    coalesce(coalesce(content_task.task_key || ': ', '') || content_task.theme, decision.subject) as subject,
    decision.decision, case when length(decision.evidence) > 240 then substr(decision.evidence, 1, 240) || ' ...' else decision.evidence end as evidence,
    decision.decided_by, decision.review_at, decision.reviewed_at
from decision
left join content_task on decision.kind = 'task' and content_task.task_id = decision.subject
