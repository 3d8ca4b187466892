{{ config(materialized='view') }}

-- Read once a build, and quicker than it could be grouped here or written: it is not kept.
select
    {{ text_hash(['touchpoint.person_id']) }} as person_hash,
    {{ microseconds('touchpoint.occurred_at') }} as occurred_micros,
    touchpoint.channel
from {{ ref('touchpoint') }} as touchpoint
where touchpoint.is_credited and touchpoint.person_id is not null
