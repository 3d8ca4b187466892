{{ config(tags=['after_shares']) }}

select
    conversion_type,
    channel,
    journeys_touched,
    journeys_alone,
    removal_effect,
    conversions_lost,
    {{ money('value_lost_base') }} as value_lost_base,
    '{{ var("base_currency") }}' as currency,
    journeys_touched > 0 as does_turn
from {{ source('ops', 'channel_removal') }}
