-- Days of the batch whose cost per click is {{ factor }} times off the account's median day in the same currency, when so
-- many days are known as to have a median. Grain: one row per day and currency.
with newest as (
    select max(report_date) as day from core.ad_performance where source = :source and account_id = :account
),
usual as (
    select currency, count(*) as days, percentile_cont(0.5) within group (order by per_click) as per_click
    from (
        select currency, cast(sum(cost) as double precision) / sum(clicks) as per_click
        from core.ad_performance
        where source = :source and account_id = :account and report_date >= (select day from newest) - {{ days }}
        group by currency, report_date
        having sum(clicks) > 0 and sum(cost) > 0
    ) as day
    group by currency
),
staged as (
    select currency, report_date, count(*) as rows, cast(sum(cost) as double precision) / sum(clicks) as per_click
    from {{ staged }}
    group by currency, report_date
    having sum(clicks) > 0 and sum(cost) > 0
)
select staged.report_date, staged.currency, staged.rows, staged.per_click, usual.per_click as usual
from staged
join usual on usual.currency = staged.currency
where usual.days >= {{ least_days }}
    and (staged.per_click >= {{ factor }} * usual.per_click or staged.per_click * {{ factor }} <= usual.per_click)
order by staged.report_date, staged.currency
