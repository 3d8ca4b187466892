-- Stages of the weeks in which visits are known: the CRM goes back further, and would make a funnel of unequal weeks.
select week_start, stage_order, stage, entered_count
from funnel_weekly
where week_start in (select week_start from funnel_weekly where stage = 'visit' and entered_count is not null)
