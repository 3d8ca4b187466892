-- One row per living contact whose segment is a word that nobody has given a meaning; where more than
-- {{ empty_segment_share }} of an account's contacts have none at all, those too.
with living as (
    select source, account_id, contact_id, segment from core.contact where not coalesce(is_deleted, false)
),
emptied as (
    select source, account_id from living group by source, account_id
    having count(*) >= 20 and count(segment) < (1 - {{ empty_segment_share }}) * count(*)
)
select living.source, living.account_id, living.contact_id,
    'contact ' || living.contact_id || ': ' || coalesce(living.segment, 'no segment') as example
from living
left join emptied on emptied.source = living.source and emptied.account_id = living.account_id
where living.segment like 'unknown:%' or (living.segment is null and emptied.source is not null)
