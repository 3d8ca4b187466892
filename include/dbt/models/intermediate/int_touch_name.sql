{{ config(materialized='incremental', incremental_strategy='append') }}

with name as (

    select distinct
        touchpoint.channel,
        coalesce(touchpoint.source_name, 'none') as source,
        coalesce(touchpoint.campaign, 'none') as campaign,
        coalesce(touchpoint.content, 'none') as content
    from {{ made(ref('touchpoint')) }} as touchpoint
    where touchpoint.is_credited
        and touchpoint.person_id in (select person_id from {{ ref('int_conversion') }})
        {{ only_changed('touchpoint.person_id') }}

),

keyed as (

    select
        {{ name_key('name.') }} as name_key,
        code.channel_code, name.channel, name.source, name.campaign, name.content
    from name
    inner join {{ ref('int_channel_code') }} as code on code.channel = name.channel

)

select name_key, channel_code, channel, source, campaign, content
from keyed
{% if is_incremental() -%}
-- Names are only ever added: paths of people who did not change keep pointing at theirs.
where name_key not in (select name_key from {{ this }})
{%- endif %}
