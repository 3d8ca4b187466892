{{ config(materialized='incremental', incremental_strategy='append', pre_hook="{{ forget_changed('person_id') }}") }}

select
    conversion_id,
    person_id,
    cast(count(*) as bigint) as touch_count,
    cast(count(distinct channel_code) as bigint) as channel_count,
    max(case when channel <> 'direct' then position end) as last_known_position,
    cast(sum(decay) as numeric(18, 12)) as decay_total,
    {{ sorted_list(packed_touch('occurred_at', 'channel_code')) }} as touches
from {{ ref('int_conversion_touch') }}
where 1 = 1 {{ only_changed('person_id') }}
group by conversion_id, person_id
