-- Streams as the mart has them, with the last day (UTC) that is known whole or in part: `covered_until` is the instant after.
select *, cast(covered_until - interval '1' second as date) as last_day from quality_stream
