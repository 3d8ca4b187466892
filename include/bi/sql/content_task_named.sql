-- Content tasks; one row per task, as the mart. Who has it, in words: nobody is told only where the tracker said so, or where nothing
-- was sent yet; empty where it is not known.
select
    task_id, theme, category, title, score, subject_count, money_at_risk_base, status, tracker_status,
    case
        when assignee <> '' then assignee
        when assignee = '' or status in ('awaiting_approval', 'proposed') then 'nobody'
    end as assignee,
    task_key, task_url, published_url, published_at, created_at, hypothesis_deadline
from content_task
