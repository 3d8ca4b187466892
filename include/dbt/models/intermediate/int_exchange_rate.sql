{%- set base = var('base_currency') -%}
with day_in_use as (

    select currency, report_date as rate_date from {{ source('core', 'ad_performance') }}
    union distinct
    select currency, {{ utc_date('case when is_won or is_closed then coalesce(closed_at, created_at) else created_at end') }}
    from {{ source('core', 'deal') }}
    union distinct
    select currency, {{ utc_date('starts_at') }} from {{ source('core', 'booking') }}

),

published as (

    select currency, rate_date, units_per_eur
    from {{ source('ops', 'reference_rate') }}
    where rate_source = '{{ var("rate_source") }}' and currency <> 'EUR'
    union all
    select 'EUR', rate_date, 1
    from {{ source('ops', 'reference_rate') }}
    where rate_source = '{{ var("rate_source") }}'
    group by rate_date

),

rate as (

    -- Through the euro: both rates of one day, or none.
    select
        published.currency, published.rate_date as valid_from, 'published' as origin,
        cast(cast(base.units_per_eur as double precision) / cast(published.units_per_eur as double precision) as numeric(20, 12)) as rate_to_base
    from published
    inner join published as base on base.rate_date = published.rate_date and base.currency = '{{ base }}'
    where published.currency <> '{{ base }}'
    union all
    select currency, valid_from, 'declared', cast(rate_to_base as numeric(20, 12))
    from {{ source('ops', 'exchange_rate') }}
    where currency <> '{{ base }}'

),

ranked as (

    select rate.*, row_number() over (partition by currency, valid_from order by origin desc) as place
    from rate

),

period as (

    select ranked.*, lead(valid_from) over (partition by currency order by valid_from) as next_from
    from ranked
    where place = 1

)

select day.currency, day.rate_date, period.valid_from, period.origin, period.rate_to_base
from day_in_use as day
inner join period
    on period.currency = day.currency
    and day.rate_date >= period.valid_from
    and (period.next_from is null or day.rate_date < period.next_from)
    -- A published rate stands in for the days after it, but not for ever; a declared one holds until the next.
    and (period.origin = 'declared' or day.rate_date <= period.valid_from + {{ var('rate_max_age_days') }})

union all

select currency, rate_date, rate_date, 'base', cast(1 as numeric(20, 12))
from day_in_use
where currency = '{{ base }}' and rate_date is not null
