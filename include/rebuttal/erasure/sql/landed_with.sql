-- Records that ever landed with one of the hashes. Grain: account_id, value.
SELECT DISTINCT batch.account_id, landed."{id}" AS value
FROM landing."{table}" AS landed
JOIN ops.batch AS batch ON batch.batch_id = landed._batch_id
WHERE landed."{column}" IN (SELECT value FROM {known} AS known) AND landed."{id}" <> ''
