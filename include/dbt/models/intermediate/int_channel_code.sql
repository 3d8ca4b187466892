with channel as (

    select channel from {{ source('ops', 'channel_rule') }}
    union distinct
    select channel from (values ('direct'), ('unknown'), ('sales')) as fixed (channel)

)

select channel, cast(row_number() over (order by md5(channel) desc) - 1 as bigint) as channel_code
from channel
