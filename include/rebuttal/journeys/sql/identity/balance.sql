-- Whether core is what was remembered less what went and with what came: how many records, and the sum of their contents.
SELECT now.row_count = past.row_count - gone.row_count + come.row_count
    AND now.checksum = past.checksum - gone.checksum + come.checksum
FROM (
    SELECT count(*) AS row_count, coalesce(sum({content_key}), 0) AS checksum FROM identity_evidence AS now WHERE {kinds}
) AS now,
(
    SELECT count(*) AS row_count, coalesce(sum(content_key), 0) AS checksum FROM core.identity_record WHERE {numbers}
) AS past,
(SELECT count(*) AS row_count, coalesce(sum(content_key), 0) AS checksum FROM identity_gone WHERE {numbers}) AS gone,
(SELECT count(*) AS row_count, coalesce(sum(content_key), 0) AS checksum FROM identity_text WHERE {kinds}) AS come
