with rate as (

    select currency, valid_from, rate_to_base
    from {{ source('ops', 'exchange_rate') }}
    where currency <> '{{ var("base_currency") }}'

    union all

    select '{{ var("base_currency") }}', cast('1900-01-01' as date), cast(1 as numeric(18, 8))

)

select
    currency,
    valid_from,
    lead(valid_from) over (partition by currency order by valid_from) as valid_to,
    rate_to_base
from rate
