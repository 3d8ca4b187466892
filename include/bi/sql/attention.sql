-- What somebody should look at now, most urgent first: held batches, failing checks, tasks that wait, decisions due.
select 1 as urgency, 'Data held back' as what, source || ': ' || stream as subject, reason as details, next_step, landed_at as since_at
from quality_held
union all
select
    case severity when 'hold' then 2 when 'alarm' then 3 when 'quarantine' then 4 else 6 end,
    case severity when 'hold' then 'Check fails (holds data)' when 'alarm' then 'Check fails (alarm)' else 'Check fails' end,
    coalesce(nullif(source, '') || ': ', '') || entity, description, next_step, since_at
from quality_check where is_failing
union all
select 5, 'Task waits for approval', theme, title, 'Approve or reject it: rebuttal tasks', created_at
from content_task where status = 'awaiting_approval'
union all
select 5, 'Decision is due for review', kind, subject || ': ' || decision, 'Look again, then: rebuttal journal', review_at
from decision where reviewed_at is null and review_at <= current_timestamp
