-- Conversions and when they were. Grain: conversion. Person: as in journeys_known.sql. Month: 12 x year + month - 1 (UTC).
SELECT
    conversion.conversion_type,
    coalesce(person.person_number, -1) AS person_number,
    CAST({converted_micros} AS bigint) AS converted_micros,
    CAST(12 * extract(year FROM conversion.converted_at AT TIME ZONE 'UTC')
        + extract(month FROM conversion.converted_at AT TIME ZONE 'UTC') - 1 AS bigint) AS month,
    CAST(coalesce(conversion.value_base, 0) * 1000000 AS bigint) AS value_micros,
    CAST(CASE WHEN conversion.is_rate_missing THEN 1 ELSE 0 END AS bigint) AS missing_rate_count
FROM marts_build.int_conversion AS conversion
LEFT JOIN (
    SELECT person_id, CAST(row_number() OVER (ORDER BY person_id) - 1 AS bigint) AS person_number
    FROM marts_build.int_conversion
    GROUP BY person_id
) AS person ON person.person_id = conversion.person_id
