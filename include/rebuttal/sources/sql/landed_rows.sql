-- What stands under a batch: how many rows, and their numbers' first, last and sum (0 to n-1 when all are there once).
SELECT count(*), min(_row), max(_row), sum(_row)
FROM landing."{table}"
WHERE _batch_id = :batch_id
