-- Whether any key stands in the batch more than once.
select 1 from {{ staged }} as staged group by {{ key | join(", ") }} having count(*) > 1 limit 1
