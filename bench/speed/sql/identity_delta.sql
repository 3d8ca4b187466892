-- One contact in a hundred gets a number of its own; one in two hundred is new, half of them of known persons.
update core.contact set phone_hash = md5('n' || contact_id), row_hash = md5('s' || contact_id)
where row_number % 200 = 7;
insert into core.contact (source, account_id, contact_id, created_at, email_hash, email_kind, segment, language,
    is_deleted, batch_id, row_number, row_hash)
select source, account_id, 'n' || contact_id, created_at + interval 1 year,
    case when row_number % 400 = 8 then email_hash else md5('m' || contact_id) end, 'personal', segment, language, false,
    'c', row_number, md5('u' || contact_id)
from core.contact where row_number % 200 = 8
