select
    {{ week_start('converted_at') }} as week_start,
    conversion_type,
    model,
    channel,
    cast(sum(credit) as numeric(18, 9)) as conversions,
    case when conversion_type = 'won' then {{ sum_converted('value_base', 'is_rate_missing') }} end as value_base,
    '{{ var("base_currency") }}' as currency
from {{ ref('attribution_credit') }}
group by 1, 2, 3, 4
