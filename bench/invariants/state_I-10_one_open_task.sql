-- A theme has at most one open task; a task that was sent has exactly one row in the outbox, with a known end.
SELECT theme || ' has ' || count(*) || ' open tasks' AS breach
FROM content_task
WHERE status IN ('proposed', 'open', 'unknown', 'awaiting_approval')
GROUP BY theme
HAVING count(*) > 1

UNION ALL

SELECT task.task_id || ' (' || task.status || ') has ' || count(outbox.outbox_id) || ' effects'
FROM content_task AS task
LEFT JOIN outbox ON task.task_id = outbox.task_id AND outbox.kind = 'tracker.create'
WHERE task.status IN ('open', 'published', 'wont_do', 'deleted')
GROUP BY task.task_id, task.status
HAVING count(outbox.outbox_id) <> 1

UNION ALL

SELECT task_id || ' is still ' || state
FROM outbox
WHERE state NOT IN ('sent', 'adopted', 'dead')
