{{ config(materialized='view') }}

select
    {{ text_hash(['person_id']) }} as person_hash,
    conversion_type,
    {{ microseconds('converted_at') }} as converted_micros,
    partner_id,
    cast(coalesce(value_base, 0) * 1000000 as bigint) as value_micros,
    case when value_base is null then 0 else 1 end as value_count,
    case when is_rate_missing then 1 else 0 end as missing_rate_count
from {{ ref('int_conversion') }}
