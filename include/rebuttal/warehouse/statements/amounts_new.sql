-- Currencies in which the batch's new deals have a median amount {{ median }} times off the account's, with at least
-- {{ deals }} deals on either side. Grain: one row per currency.
with fresh as (
    select currency, count(*) as deals,
        percentile_cont(0.5) within group (order by cast(amount as double precision)) as amount
    from {{ staged }} as staged
    where amount > 0 and not exists (
        select 1 from core.deal as core where core.source = staged.source and core.account_id = staged.account_id
            and core.deal_id = staged.deal_id
    )
    group by currency
),
usual as (
    select currency, count(*) as deals,
        percentile_cont(0.5) within group (order by cast(amount as double precision)) as amount
    from core.deal
    where source = :source and account_id = :account and amount > 0
    group by currency
)
select fresh.currency, fresh.deals, fresh.amount, usual.amount as usual
from fresh
join usual on usual.currency = fresh.currency
where fresh.deals >= {{ deals }} and usual.deals >= {{ deals }}
    and (fresh.amount >= {{ median }} * usual.amount or fresh.amount * {{ median }} <= usual.amount)
order by fresh.deals desc, fresh.currency
