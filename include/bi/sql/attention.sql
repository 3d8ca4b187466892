-- What somebody should look at now, most urgent first: held batches, failing checks, budgets off their pace, tasks that wait,
-- decisions due. Notices ask for nothing, so they are not here.
select 1 as urgency, 'Data held back' as what, source || ': ' || stream as subject, reason as details, next_step, landed_at as since_at
from quality_held
union all
select
    case severity when 'hold' then 2 when 'alarm' then 3 when 'quarantine' then 4 else 7 end,
    case severity when 'hold' then 'Check fails (holds data)' when 'alarm' then 'Check fails (alarm)' else 'Check fails' end,
    coalesce(nullif(source, '') || ': ', '') || entity, description, next_step, since_at
from quality_check where is_failing and severity <> 'notice'
union all
select
    5, 'Budget off its pace', channel,
    case state
        when 'unplanned' then 'Money is spent and no budget is planned'
        else 'About ' || cast(cast(round(forecast_base) as bigint) as varchar) || ' ' || currency || ' by the end of the month, of a budget of '
            || cast(cast(round(budget_base) as bigint) as varchar) || ' ' || currency
    end,
    case state
        when 'over' then 'Slow the channel down, or give it more in plan.yml'
        when 'under' then 'See whether campaigns are paused or limited; move what is not needed to another line of plan.yml'
        else 'Add a line to plan.yml, or stop the campaigns'
    end,
    cast(month_start as timestamp with time zone)
from plan_pace
where state in ('over', 'under', 'unplanned')
    and month_start = (select max(month_start) from plan_pace where measured_until is not null)
union all
select 6, 'Task waits for approval', theme, title, 'Approve or reject it: rebuttal tasks', created_at
from content_task where status = 'awaiting_approval'
union all
select 6, 'Decision is due for review', kind, subject || ': ' || decision, 'Look again, then: rebuttal journal', review_at
from decision where reviewed_at is null and review_at <= current_timestamp
