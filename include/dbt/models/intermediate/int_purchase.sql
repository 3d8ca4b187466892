with channel as (

    select
        conversion_id, channel,
        row_number() over (
            partition by conversion_id order by case when channel = 'direct' then 1 else 0 end, position desc
        ) as place
    from {{ ref('int_conversion_touch') }}
    where conversion_type = 'won'

),

purchase as (

    select
        deal.deal_key, deal.person_id, deal.closed_at as purchased_at,
        {{ month_start('deal.closed_at') }} as month_start,
        deal.amount is not null as has_amount, deal.amount_base, deal.is_rate_missing,
        coalesce(channel.channel, 'unknown') as channel,
        case when deal.person_id is not null then row_number() over buyer end as purchase_number
    from {{ ref('stg_deal') }} as deal
    left join channel on channel.conversion_id = 'won:' || deal.deal_key and channel.place = 1
    where deal.outcome = 'won' and deal.closed_at is not null
    window buyer as (partition by deal.person_id order by deal.closed_at, md5(deal.deal_key))

)

select
    purchase.*,
    lag(purchase.purchased_at) over buyer as previous_purchased_at,
    first.purchased_at as first_purchased_at,
    first.month_start as cohort_month,
    first.channel as first_channel,
    coalesce(person.segment, 'unknown') as segment
from purchase
left join purchase as first on first.person_id = purchase.person_id and first.purchase_number = 1
left join {{ ref('person') }} as person on person.person_id = purchase.person_id
window buyer as (partition by purchase.person_id order by purchase.purchase_number)
