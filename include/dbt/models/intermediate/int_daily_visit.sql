{#- A refresh counts the rows that came and those that went, by this same query. -#}
{{ config(materialized='table', meta={'counted': 'visits'}) }}

select
    {{ utc_date('occurred_at') }} as date_day,
    source,
    account_id,
    channel,
    cast(count(*) as bigint) as visits
from {{ ref('touchpoint') }}
where kind = 'visit'
group by 1, 2, 3, 4
