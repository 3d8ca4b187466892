-- Whether a key may stand in the batch more than once: yes when it does, and, seldom, for a coincidence of hashes.
select 1 from {{ staged }} as staged group by {{ fingerprint }} having count(*) > 1 limit 1
