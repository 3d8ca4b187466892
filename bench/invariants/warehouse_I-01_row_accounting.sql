-- Each batch that was settled says where every one of its rows ended; one that was not has no outcome.
SELECT batch.batch_id || ' (' || batch.status || ') landed ' || batch.row_count AS breach
FROM ops.batch AS batch
LEFT JOIN ops.batch_outcome AS ended ON batch.batch_id = ended.batch_id
WHERE
    CASE
        WHEN batch.status IN ('admitted', 'superseded')
            THEN coalesce(
                ended."new" + ended.changed + ended.unchanged + ended.deduplicated + ended.quarantined
                + ended.suppressed, -1
            ) <> batch.row_count
        ELSE ended.batch_id IS NOT NULL
    END
