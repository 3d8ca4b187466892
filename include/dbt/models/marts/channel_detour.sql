{{ config(tags=['after_shares']) }}

select conversion_type, channel, next_step, share
from {{ source('ops', 'channel_detour') }}
