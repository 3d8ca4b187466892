-- Of the known deals whose amount changes with this batch: how many (changed), and how many by exactly {{ cents }} (moved).
select count(*) as changed,
    count(case when staged.amount = core.amount * {{ cents }} or staged.amount * {{ cents }} = core.amount then 1 end)
        as moved
from {{ staged }} as staged
join core.deal as core on core.source = staged.source and core.account_id = staged.account_id
    and core.deal_id = staged.deal_id and core.currency = staged.currency
where core.amount > 0 and staged.amount > 0 and core.amount <> staged.amount
