{{ config(materialized='incremental', incremental_strategy='append', pre_hook="{{ forget_changed('person_id') }}") }}

with path as (

    select conversion_id, max(position) as touch_count
    from {{ made(ref('int_conversion_touch')) }}
    where true {{ only_changed('person_id') }}
    group by conversion_id

),

customer as (

    select person_id, min(first_purchased_at) as first_purchased_at
    from {{ ref('int_purchase') }}
    where person_id is not null {{ only_changed('person_id') }}
    group by person_id

),

place as (

    -- The only touch of a path opens and closes it.
    select
        touch.person_id,
        touch.channel,
        count(distinct touch.conversion_id) as conversions,
        {{ count_where('touch.position = 1') }} as opener,
        {{ count_where('touch.position > 1 and touch.position < path.touch_count') }} as assist,
        {{ count_where('touch.position = path.touch_count') }} as closer,
        0 as after_sale
    from {{ made(ref('int_conversion_touch')) }} as touch
    inner join path on path.conversion_id = touch.conversion_id
    -- Other kinds of conversion lie on the same ways: they would count a way several times.
    where touch.conversion_type in ('lead', 'won') {{ only_changed('touch.person_id') }}
    group by touch.person_id, touch.channel
    union all
    select touchpoint.person_id, touchpoint.channel, 0, 0, 0, 0, count(*)
    from {{ made(ref('touchpoint')) }} as touchpoint
    inner join customer on customer.person_id = touchpoint.person_id
    where touchpoint.kind in ('visit', 'survey') and touchpoint.occurred_at > customer.first_purchased_at
        {{ only_changed('touchpoint.person_id') }}
    group by touchpoint.person_id, touchpoint.channel

)

select
    person_id,
    channel,
    {% for name in ['conversions', 'opener', 'assist', 'closer', 'after_sale'] -%}
    cast(sum({{ name }}) as bigint) as {{ name }}{% if not loop.last %},{% endif %}
    {% endfor -%}
from place
group by person_id, channel
