{{ config(materialized='view') }}

-- Read once a build, and quicker than it could be written: it is not kept.
select
    touchpoint.person_id,
    {{ text_hash(['touchpoint.person_id']) }} as person_hash,
    {{ list_of(packed_touch('touchpoint.occurred_at', 'code.channel_code')) }} as touches
from {{ ref('touchpoint') }} as touchpoint
inner join {{ ref('int_channel_code') }} as code on code.channel = touchpoint.channel
where touchpoint.is_credited and touchpoint.person_id is not null
group by touchpoint.person_id
