-- One row per visit with a goal and no page view, a day old or older (its other hits may not be pulled yet).
select source, account_id, visit_id,
    'visit ' || visit_id || ': ' || cast(count(*) as text) || ' hits, a goal, no page view' as example
from core.hit
where visit_id is not null
    and occurred_at >= (select max(occurred_at) from core.hit) - interval '{{ days }} days'
group by source, account_id, visit_id
having count(case when is_page_view then 1 end) = 0
    and count(case when goal_ids not in ('', '[]') then 1 end) > 0
    and max(occurred_at) < (select max(occurred_at) from core.hit) - interval '1 day'
