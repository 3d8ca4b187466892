-- One row per day on which rates were published; its unit is the day, and priced.sql says whom it touches.
SELECT rate.rate_source || ':' || cast(rate.rate_date AS text) AS input_key,
       '' AS batch_id,
       {hash}(string_agg(rate.currency || ' ' || cast(rate.units_per_eur AS text), ',' ORDER BY rate.currency){end})
           AS content_hash,
       'rate:' || cast(rate.rate_date AS text) AS unit_id
FROM ops.reference_rate AS rate
GROUP BY rate.rate_source, rate.rate_date
