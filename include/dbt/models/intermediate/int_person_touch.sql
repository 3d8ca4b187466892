{{ config(materialized='view') }}

-- Read once a build, as numbers: text is slow to carry and to join. Names are read by `row_place`. It is not kept: to group
-- or to write it takes longer than to read it.
select
    {{ text_hash(['touchpoint.person_id']) }} as person_hash,
    {{ microseconds('touchpoint.occurred_at') }} as occurred_micros,
    touchpoint.channel,
    {{ text_hash(["touchpoint.channel", "coalesce(touchpoint.source_name, 'none')", "coalesce(touchpoint.campaign, 'none')", "coalesce(touchpoint.content, 'none')"]) }} as name_hash,
    touchpoint.{{ row_place() }} as row_place
from {{ ref('touchpoint') }} as touchpoint
where touchpoint.is_credited and touchpoint.person_id is not null
