-- Rows of a pull with their key and hash, where they have none yet, and the line of each for the hash of their batch.
-- Grain: one row per row of `rows`, in its order. As `columns.Rows.identified` has it.
SELECT {columns}, _key, _row_hash, _defect, _extra, _row, concat(_key, chr(30), _row_hash, chr(10)) AS line
FROM (
    SELECT * REPLACE (
        coalesce(_row_hash, hash) AS _row_hash,
        CASE
            WHEN _key IS NOT NULL THEN _key
            -- Without any of its key it is nobody's copy.
            WHEN coalesce({key}) IS NULL THEN concat(repeat(chr(31), {separators}), hash)
            ELSE concat_ws(chr(31), {key_parts})
        END AS _key
    )
    FROM (SELECT *, left(sha256(concat_ws(chr(31), {values})), 32) AS hash FROM rows)
)
