-- depends_on: {{ ref('attribution_credit') }}
{{ config(materialized='incremental', incremental_strategy='append', tags=['after_shares'], meta={'unit': cell_unit('')}, pre_hook="{{ forget_changed(model.config.meta.unit) }}") }}

{% if is_incremental() -%}

-- A refresh adds up what the credit of touches has become; a whole build (below) needs no credit touch by touch.
with credit as (

    select
        credit.*, {{ week_start('converted_at') }} as week_start, {{ month_start('converted_at') }} as month_start
    from {{ ref('attribution_credit') }} as credit

)

select
    week_start, month_start, conversion_type, {{ credit_dimensions() | join(', ') }},
    {% for model in single_models() -%}
    cast(sum({{ model }}_credit) as numeric(38, 12)) as {{ model }}_credit,
    cast(sum(case when {{ model }}_credit = 1 then conversion_value_base end) as numeric(38, 18)) as {{ model }}_value,
    {% endfor -%}
    {% for model in sharing_models() -%}
    cast(sum({{ model }}_credit) as numeric(38, 12)) as {{ model }}_credit,
    cast(sum(conversion_value_base * {{ model }}_credit) as numeric(38, 18)) as {{ model }}_value,
    {% endfor -%}
    count(case when is_rate_missing then 1 end) as missing_rate_count
from credit
where true {{ only_changed(cell_unit('')) }}
group by week_start, month_start, conversion_type, {{ credit_dimensions() | join(', ') }}

{%- else -%}

with dated as (

    select conversion.*, {{ week_start('converted_at') }} as week_start, {{ month_start('converted_at') }} as month_start
    from {{ ref('int_conversion') }} as conversion

),

-- Numbers for paths, and for what their credit is added up by: text and dates are slow to carry, sort and join by.
conversion as (

    select
        dated.*,
        row_number() over (order by conversion_id) as path_number,
        dense_rank() over (order by week_start, month_start, conversion_type, partner_id) as cell_group
    from dated

),

touch as (

    select
        conversion.path_number, name.name_key, name.channel_code,
        {{ packed_touch('touchpoint.occurred_at', 'name.channel_code') }} as touch,
        {{ decay(touch_age('touchpoint.occurred_at', 'conversion.converted_at')) }} as decay
    from conversion
    inner join {{ ref('touchpoint') }} as touchpoint
        on touchpoint.person_id = conversion.person_id
        and touchpoint.occurred_at <= conversion.converted_at
        and {{ touch_age('touchpoint.occurred_at', 'conversion.converted_at') }} <= {{ var('lookback_days') }}
    inner join {{ ref('int_touch_name') }} as name
        on name.channel = touchpoint.channel
        and name.source = coalesce(touchpoint.source_name, 'none')
        and name.campaign = coalesce(touchpoint.campaign, 'none')
        and name.content = coalesce(touchpoint.content, 'none')
    where touchpoint.is_credited

),

placed as (

    select
        path_number, channel_code, path_number * 128 + channel_code as way, name_key, decay,
        row_number() over path as position,
        sum(decay) over path as decay_until
    from touch as touch
    window path as (
        partition by path_number order by touch, name_key rows between unbounded preceding and current row
    )

),

on_channel as (

    select
        -- A channel on a path, both in one number.
        way, min(path_number) as path_number, min(channel_code) as channel_code,
        count(*) as touch_count, max(position) as last_position, sum(decay) as decay
    from placed
    group by way

),

path as (

    select
        on_channel.path_number, count(*) as channel_count, max(on_channel.last_position) as touch_count,
        sum(on_channel.decay) as decay_total,
        max(case when code.channel <> 'direct' then on_channel.last_position end) as last_known_position
    from on_channel
    inner join {{ ref('int_channel_code') }} as code on code.channel_code = on_channel.channel_code
    group by on_channel.path_number

),

-- Shapley: the channels of a path share alike, and so do the touches of a channel.
weighed as (

    select
        on_channel.way, on_channel.path_number, on_channel.touch_count,
        {{ trillionths(shapley_weight('path.channel_count', 'on_channel.touch_count')) }} as shapley_weight
    from on_channel
    inner join path on path.path_number = on_channel.path_number

),

shapley_sum as (

    select path_number, sum(touch_count * shapley_weight) as shapley_total from weighed group by path_number

),

whole as (

    select
        conversion.path_number, conversion.cell_group, conversion.value_base, conversion.is_rate_missing, path.touch_count,
        path.decay_total, path.last_known_position, shapley_sum.shapley_total
    from path
    inner join shapley_sum on shapley_sum.path_number = path.path_number
    inner join conversion on conversion.path_number = path.path_number

),

credited as (

    select
        whole.cell_group, placed.name_key, whole.value_base, whole.is_rate_missing,
        {{ single_touches('placed.position', 'whole.touch_count', 'whole.last_known_position') }},
        {{ shared_credits('placed.position', 'whole.touch_count', 'placed.decay', 'placed.decay_until', 'whole.decay_total', 'weighed.shapley_weight', 'whole.shapley_total') }}
    from placed
    inner join weighed on weighed.way = placed.way
    inner join whole on whole.path_number = placed.path_number

    union all

    -- A conversion that nothing is known to have led to still counts: for the channel `unknown`.
    select
        conversion.cell_group, cast(null as bigint), conversion.value_base, conversion.is_rate_missing
        {%- for _ in single_models() %}, 1{% endfor %}
        {%- for _ in sharing_models() %}, {{ trillionths(1) }}{% endfor %}
    from conversion
    left join path on path.path_number = conversion.path_number
    where path.path_number is null

),

period as (

    select distinct cell_group, week_start, month_start, conversion_type, partner_id from conversion

),

cell as (

    select
        cell_group, name_key,
        {% for model in single_models() -%}
        sum({{ model }}_touch) as {{ model }}_touch,
        sum(case when {{ model }}_touch = 1 then value_base end) as {{ model }}_value,
        {% endfor -%}
        {% for model in sharing_models() -%}
        sum({{ model }}_share) as {{ model }}_share,
        -- Exact products of exact numbers: over all names they add up to the CRM's money, to the last digit.
        sum(value_base * {{ model }}_share) as {{ model }}_value,
        {% endfor -%}
        count(case when is_rate_missing then 1 end) as missing_rate_count
    from credited
    group by cell_group, name_key

)

select
    period.week_start, period.month_start, period.conversion_type,
    {% for dimension in ['channel', 'source', 'campaign', 'content'] -%}
    coalesce(name.{{ dimension }}, 'unknown') as {{ dimension }},
    {% endfor -%}
    coalesce(period.partner_id, case when cell.name_key is null then 'unknown' when name.channel = 'partner' then name.source else 'none' end) as partner,
    {% for model in single_models() -%}
    cast(cell.{{ model }}_touch as numeric(38, 12)) as {{ model }}_credit,
    cast(cell.{{ model }}_value as numeric(38, 18)) as {{ model }}_value,
    {% endfor -%}
    {% for model in sharing_models() -%}
    {{ of_trillionths('cast(cell.' ~ model ~ '_share as numeric(38, 0))') }} as {{ model }}_credit,
    {{ of_trillionths('cast(cell.' ~ model ~ '_value as numeric(38, 6))') }} as {{ model }}_value,
    {% endfor -%}
    cell.missing_rate_count
from cell
inner join period on period.cell_group = cell.cell_group
left join {{ ref('int_touch_name') }} as name on name.name_key = cell.name_key

{%- endif %}
