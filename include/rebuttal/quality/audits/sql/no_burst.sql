-- One row per visit in which somebody looked at {{ burst_page_views }} pages within {{ burst_seconds }} seconds.
with page as (
    select source, account_id, client_id, visit_id, occurred_at from core.hit
    where is_page_view and client_id is not null
        and occurred_at >= (select max(occurred_at) from core.hit) - interval '{{ days }} days'
),
busy as (
    select source, account_id, client_id from page
    group by source, account_id, client_id having count(*) >= {{ burst_page_views }}
),
paced as (
    select page.*, lag(occurred_at, {{ burst_page_views - 1 }}) over (
        partition by page.source, page.account_id, page.client_id order by occurred_at
    ) as nth_before
    from page
    join busy on busy.source = page.source and busy.account_id = page.account_id and busy.client_id = page.client_id
)
select source, account_id, visit_id,
    'visit ' || coalesce(visit_id, '(none)') || ' at '
        || cast(date_trunc('minute', min(nth_before) at time zone 'UTC') as text) || ' UTC: '
        || cast(count(*) + {{ burst_page_views - 1 }} as text) || ' page views or more' as example
from paced
where nth_before >= occurred_at - interval '{{ burst_seconds }} seconds'
group by source, account_id, visit_id
