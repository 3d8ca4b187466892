-- The graph that stands in core for `identity_core.sql`, as text: every identifier, and every edge that no guard refuses.
create table who as
select i, i // 16 * 10 + case when i % 16 < 6 then i % 16 when i % 16 < 8 then 6 when i % 16 < 10 then 7
    when i % 16 < 12 then 8 else 9 end as p
from range({edges} * 4 // 9) as numbers(i);
create table edge as
select 'contact_id:' || i as unique_id_l, 'email_hash:' || md5('e' || p) as unique_id_r from who
union all select 'contact_id:' || i, 'phone_hash:' || md5('t' || p) from who where i % 2 = 0
union all select 'contact_id:' || i, 'client_id:' || (1700000000000 + i) from who where i % 2 = 0
union all select 'gclid:Cj0' || md5('c' || i), 'client_id:' || (1700000000000 + i) from who where i % 4 = 2;
create table node as
select unique_id_l as unique_id from edge union select unique_id_r from edge
