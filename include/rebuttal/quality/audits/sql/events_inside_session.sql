-- One row per hit outside its visit, where the visit's clock is not off as a whole.
with {% include "_spans.sql" %}
select hit.source, hit.account_id, hit.visit_id, hit.hit_id,
    'hit ' || hit.hit_id || ' of visit ' || hit.visit_id || ': ' || cast(cast(round(abs(extract(epoch from (
        hit.occurred_at - case when hit.occurred_at < span.started_at then span.started_at else span.ended_at end
    ))) / 60) as bigint) as text)
        || case when hit.occurred_at < span.started_at then ' minutes before its start' else ' minutes after its end' end
        as example
from span
join core.hit as hit on hit.source = span.source and hit.account_id = span.account_id and hit.visit_id = span.visit_id
where not span.is_skewed
    and (span.first_at < span.started_at - interval '{{ tolerance_seconds }} seconds'
        or span.last_at > span.ended_at + interval '{{ tolerance_seconds }} seconds')
    and (hit.occurred_at < span.started_at - interval '{{ tolerance_seconds }} seconds'
        or hit.occurred_at > span.ended_at + interval '{{ tolerance_seconds }} seconds')
