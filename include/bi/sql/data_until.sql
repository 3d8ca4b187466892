-- One row, whatever is published: the last day with data of each family, and in words whether that is late.
with window_end as (
    select
        max(case when family = 'crm' then until_date - 1 end) as sales_until,
        max(case when family = 'visits' then until_date - 1 end) as visits_until,
        max(case when family = 'ads' then until_date - 1 end) as ads_until,
        max(until_date - 1) as newest,
        min(until_date - 1) as oldest,
        count(*) as families
    from source_window
),
held as (select count(*) as held from quality_held),
version as (select max(published_at) as published_at from publication)

select
    sales_until, visits_until, ads_until, version.published_at,
    case
        when version.published_at is null then 'Nothing is published yet: the loop has not turned. Run "rebuttal loop" or wait for the DAGs.'
        when families = 0 then 'Data came, but no marts were built yet; they come with the next build.'
        when held > 0 then 'Data held back: a batch looked wrong, and the last good data are shown. See Data quality.'
        when oldest < newest - 1 then 'Out of step: one source ends earlier than the others; its last days are missing.'
        when families < 3 then 'Incomplete: not every kind of source has data.'
        when newest < current_date - 3 then 'Late: the newest data are older than three days.'
        else 'Complete and on time.'
    end as state
from window_end cross join held cross join version
