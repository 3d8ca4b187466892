-- Conversions with the packed touches before them (NULL: none known). Grain: conversion. Month: 12 x year + month - 1 (UTC).
SELECT
    conversion.conversion_type,
    CAST(12 * extract(year FROM conversion.converted_at AT TIME ZONE 'UTC')
        + extract(month FROM conversion.converted_at AT TIME ZONE 'UTC') - 1 AS bigint) AS month,
    CAST(coalesce(conversion.value_base, 0) * 1000000 AS bigint) AS value_micros,
    CAST(CASE WHEN conversion.is_rate_missing THEN 1 ELSE 0 END AS bigint) AS missing_rate_count,
    path.touches
FROM marts_build.int_conversion AS conversion
LEFT JOIN marts_build.int_conversion_path AS path ON path.conversion_id = conversion.conversion_id
