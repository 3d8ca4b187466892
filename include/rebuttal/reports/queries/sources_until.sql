-- How far each source has come, with what people say apart, and what waits at the gate. Grain: source.
SELECT
    batch.source,
    max(CASE WHEN batch.kind = 'live' AND batch.status = 'admitted' THEN batch.window_to END) AS covered_until,
    max(
        CASE
            WHEN batch.kind = 'live' AND batch.status = 'admitted'
                AND batch.entity IN ('conversation', 'survey_response', 'deal') THEN batch.window_to
        END
    ) AS heard_until,
    count(CASE WHEN batch.status = 'held' THEN 1 END) AS held_count
FROM ops.batch AS batch
GROUP BY batch.source
ORDER BY batch.source
