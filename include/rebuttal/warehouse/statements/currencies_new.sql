-- Currencies of the batch in which the account, known before, has no row yet. Grain: one row per currency.
select staged.currency, count(*) as rows
from {{ staged }} as staged
where staged.currency is not null
    and exists (select 1 from core.ad_performance where source = :source and account_id = :account)
    and not exists (
        select 1 from core.ad_performance as core where core.source = :source and core.account_id = :account
            and core.currency = staged.currency
    )
group by staged.currency
order by 2 desc, 1
