{{ config(materialized='incremental', incremental_strategy='append', pre_hook="{{ forget_changed('person_id') }}") }}

select
    touchpoint.person_id,
    {{ sorted_list(packed_touch('touchpoint.occurred_at', 'code.channel_code')) }} as touches
from {{ ref('touchpoint') }} as touchpoint
inner join {{ ref('int_channel_code') }} as code on code.channel = touchpoint.channel
where touchpoint.is_credited and touchpoint.person_id is not null {{ only_changed('touchpoint.person_id') }}
group by touchpoint.person_id
