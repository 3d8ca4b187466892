-- Written lately is not covers lately: the slowest of the streams that bring days decides how far we can see.
select cast(min(until_date) as date) as until_date
from (
    select max(date_day) + 1 as until_date from {{ ref('int_daily_visit') }} group by source, account_id
    union all
    select max(report_date) + 1 from {{ ref('stg_ad') }} group by source, account_id
) as stream
