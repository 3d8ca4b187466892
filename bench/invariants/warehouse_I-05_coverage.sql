-- Live windows of a stream leave no hole, and its watermark never goes back.
SELECT batch_id || ' begins after what was read before, or its cursor went back' AS breach
FROM (
    SELECT
        batch_id, window_from, cursor_before, cursor_after,
        max(window_to) OVER earlier AS covered_until,
        max(cursor_after) OVER earlier AS highest_cursor
    FROM ops.batch
    WHERE kind = 'live'
    WINDOW earlier AS (
        PARTITION BY source, stream, account_id
        ORDER BY sequence ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
    )
) AS live
WHERE window_from > covered_until OR cursor_after < highest_cursor
