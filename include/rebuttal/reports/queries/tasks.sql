-- Content tasks as they stand. Grain: task.
SELECT task_id, theme, category, title, status, tracker_status, assignee, task_key, task_url, published_url, published_at
FROM marts.content_task
ORDER BY score DESC, task_id
