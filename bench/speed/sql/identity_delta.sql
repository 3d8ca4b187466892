-- One contact in a hundred gets a number of its own, and leaves its batch for a new one as a merge makes it do; one in
-- two hundred is new, half of them of known persons.
create temporary table restated as
select * replace (md5('n' || contact_id) as phone_hash, md5('s' || contact_id) as row_hash, 'c' as batch_id)
from core.contact where row_number % 200 = 7;
delete from core.contact where row_number % 200 = 7;
insert into core.contact select * from restated;
drop table restated;
insert into core.contact (source, account_id, contact_id, created_at, email_hash, email_kind, segment, language,
    is_deleted, batch_id, row_number, row_hash)
select source, account_id, 'n' || contact_id, created_at + interval 1 year,
    case when row_number % 400 = 8 then email_hash else md5('m' || contact_id) end, 'personal', segment, language, false,
    'c', row_number, md5('u' || contact_id)
from core.contact where row_number % 200 = 8
