-- Clicks of the scope that more than one device carried at the same instant: those devices in the order of their names.
CREATE TEMPORARY TABLE identity_tied AS
SELECT record_key FROM (
    SELECT record_key, count(*) OVER (PARTITION BY self_node, seen_at) AS carriers FROM {records}
    WHERE kind IN (6, 7) AND self_node IN (
        SELECT self_node FROM {records} WHERE kind IN (6, 7) GROUP BY self_node, seen_at HAVING count(*) > 1
    )
) AS carried
WHERE carriers > 1
