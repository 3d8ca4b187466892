-- {edges} edges between contacts, addresses, numbers, client ids and clicks: persons of one to five contacts each.
--   contact i belongs to person p: three of ten persons have two contacts, one has five. Each contact has the person's
--   address; every second one the person's number; every second one a device, half of those by an ad click.
create temporary table who as
select i, i // 16 * 10 + case when i % 16 < 6 then i % 16 when i % 16 < 8 then 6 when i % 16 < 10 then 7
    when i % 16 < 12 then 8 else 9 end as p
from range({edges} * 4 // 9) as numbers(i);
insert into core.contact (source, account_id, contact_id, created_at, email_hash, email_kind, phone_hash, phone_kind,
    client_id, gclid, segment, language, is_deleted, batch_id, row_number, row_hash)
select 'crm', 'a', cast(i as varchar), timestamptz '2026-01-01' + interval (i) second, md5('e' || p), 'personal',
    case when i % 2 = 0 then md5('t' || p) end, 'personal', case when i % 4 = 0 then cast(1700000000000 + i as varchar) end,
    case when i % 4 = 2 then 'Cj0' || md5('c' || i) end, 'salon_owner', 'uk', false, 'b', i, md5('r' || i)
from who;
insert into core.visit (source, account_id, visit_id, client_id, started_at, gclid, batch_id, row_number, row_hash)
select 'metrica', 'a', cast(i as varchar), cast(1700000000000 + i as varchar),
    timestamptz '2025-12-31' + interval (i) second, case when i % 4 = 2 then 'Cj0' || md5('c' || i) end, 'b', i,
    md5('v' || i)
from who where i % 4 in (0, 2)
