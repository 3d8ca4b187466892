-- How many pulled rows are not what was landed last under their key, for one account.
-- Grain of pulled: one row per pulled row. A key's last version are all its rows in the newest batch that holds the key.
WITH pulled AS (
    SELECT _key, _row_hash FROM {pulled}
),
known AS (
    SELECT l._key, l._row_hash, b.sequence, max(b.sequence) OVER (PARTITION BY l._key) AS newest
    FROM landing."{table}" AS l
    JOIN ops.batch AS b ON b.batch_id = l._batch_id
    WHERE b.account_id = {account} AND l._key IN (SELECT _key FROM pulled)
)
SELECT count(*)
FROM pulled AS p
WHERE NOT EXISTS (
    SELECT 1 FROM known AS k
    WHERE k._key = p._key AND k._row_hash = p._row_hash AND k.sequence = k.newest
)
