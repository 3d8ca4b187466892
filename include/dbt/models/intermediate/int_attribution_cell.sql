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

-- Numbers for paths, for names, and for what credit is added up by: text and dates are slow to carry, sort and join by.
conversion as (

    select
        dated.*,
        row_number() over () as path_number,
        dense_rank() over (order by week_start, month_start, conversion_type, partner_id) as cell_group
    from dated

),

touch as (

    select
        conversion.path_number,
        {{ microseconds('touchpoint.occurred_at') }} as occurred_micros,
        {{ decay(touch_age('touchpoint.occurred_at', 'conversion.converted_at')) }} as decay,
        touchpoint.channel,
        coalesce(touchpoint.source_name, 'none') as source,
        coalesce(touchpoint.campaign, 'none') as campaign,
        coalesce(touchpoint.content, 'none') as content,
        {{ text_hash(['touchpoint.channel', "coalesce(touchpoint.source_name, 'none')", "coalesce(touchpoint.campaign, 'none')", "coalesce(touchpoint.content, 'none')"]) }} as name_hash
    from conversion
    inner join {{ ref('touchpoint') }} as touchpoint
        on touchpoint.person_id = conversion.person_id
        and touchpoint.occurred_at <= conversion.converted_at
        and {{ touch_age('touchpoint.occurred_at', 'conversion.converted_at') }} <= {{ var('lookback_days') }}
    where touchpoint.is_credited

),

named as (

    select name_hash, min(channel) as channel, min(source) as source, min(campaign) as campaign, min(content) as content
    from touch
    group by name_hash

),

name as (

    select named.*, code.channel_code, {{ name_key('named.') }} as name_key
    from named
    inner join {{ ref('int_channel_code') }} as code on code.channel = named.channel

),

-- `place` puts the touches of a path in order, `way` is a channel on a path; touches of one place go by `name_key`.
placed as (

    select
        touch.path_number, name.name_key, touch.decay,
        touch.occurred_micros * 128 + name.channel_code as place,
        case when name.channel <> 'direct' then touch.occurred_micros * 128 + name.channel_code end as known_place,
        touch.path_number * 128 + name.channel_code as way
    from touch
    inner join name on name.name_hash = touch.name_hash

),

on_channel as (

    select
        way, min(path_number) as path_number, count(*) as touch_count, sum(decay) as decay,
        min(place) as first_place, max(place) as last_place, max(known_place) as known_place
    from placed
    group by way

),

path as (

    select
        path_number, count(*) as channel_count, cast(sum(touch_count) as bigint) as touch_count, sum(decay) as decay_total,
        min(first_place) as first_place, max(last_place) as last_place,
        coalesce(max(known_place), max(last_place)) as known_place
    from on_channel
    group by path_number

),

whole as (

    select
        path.*, conversion.cell_group, conversion.is_rate_missing,
        cast(conversion.value_base * 1000000 as {{ whole_number() }}) as value_micros,
        {{ linear_share('path.touch_count') }} as linear_share,
        {{ middle_share('path.touch_count') }} as position_based_share,
        {{ opening_share('path.touch_count') }} as opening_share
    from path
    inner join conversion on conversion.path_number = path.path_number

),

weighed as (

    select
        on_channel.way,
        {{ shapley_share('path.channel_count', 'on_channel.touch_count') }} as shapley_share
    from on_channel
    inner join path on path.path_number = on_channel.path_number

),

-- What every touch earns, wherever it stands.
shared as (

    select
        placed.path_number, placed.name_key, whole.cell_group, whole.value_micros, whole.is_rate_missing,
        placed.place = whole.first_place as is_first,
        placed.place = whole.last_place as is_last,
        placed.place = whole.known_place as is_known,
        whole.linear_share,
        {{ decay_share('placed.decay', 'whole.decay_total') }} as time_decay_share,
        whole.position_based_share,
        weighed.shapley_share
    from placed
    inner join whole on whole.path_number = placed.path_number
    inner join weighed on weighed.way = placed.way

),

ended as (

    select
        path_number,
        min(case when is_first then name_key end) as first_name,
        max(case when is_last then name_key end) as last_name,
        max(case when is_known then name_key end) as last_non_direct_name,
        {% for model in sharing_models() -%}
        cast(sum({{ model }}_share) as bigint) as {{ model }}_given{% if not loop.last %},{% endif %}
        {% endfor %}
    from shared
    group by path_number

),

-- What only the first touch earns, and the last one, to which goes what is left: together exactly 1.
finished as (

    select
        ended.*, whole.cell_group, whole.value_micros, whole.opening_share,
        {% for model in sharing_models() -%}
        {{ trillionths(1) }} - ended.{{ model }}_given{% if model == 'position_based' %} - whole.opening_share{% endif %} as {{ model }}_rest{% if not loop.last %},{% endif %}
        {% endfor %}
    from ended
    inner join whole on whole.path_number = ended.path_number

),

part as (

    select
        cell_group, name_key,
        {% for model in single_models() -%}
        0 as {{ model }}_touch, cast(null as {{ whole_number() }}) as {{ model }}_value,
        {% endfor -%}
        {% for model in sharing_models() -%}
        sum({{ model }}_share) as {{ model }}_share, sum(value_micros * {{ model }}_share) as {{ model }}_value,
        {% endfor -%}
        count(case when is_rate_missing then 1 end) as missing_rate_count
    from shared
    group by cell_group, name_key

    {% for single in single_models() -%}
    union all

    select
        cell_group, {{ single }}_name,
        {% for model in single_models() -%}
        {{ 'count(*), sum(value_micros)' if model == single else '0, null' }},
        {% endfor -%}
        {% for model in sharing_models() -%}
        {% set share = model ~ '_rest' if single == 'last' else 'opening_share' if single == 'first' and model == 'position_based' -%}
        {{ 'sum(' ~ share ~ '), sum(value_micros * ' ~ share ~ ')' if share else '0, null' }},
        {% endfor -%}
        0
    from finished
    group by cell_group, {{ single }}_name

    {% endfor -%}
    union all

    -- A conversion that nothing is known to have led to still counts: for the channel `unknown`.
    select
        conversion.cell_group, cast(null as bigint),
        {% for _ in single_models() -%}
        count(*), sum(cast(conversion.value_base * 1000000 as {{ whole_number() }})),
        {% endfor -%}
        {% for _ in sharing_models() -%}
        count(*) * {{ trillionths(1) }}, sum(cast(conversion.value_base * 1000000 as {{ whole_number() }})) * {{ trillionths(1) }},
        {% endfor -%}
        count(case when conversion.is_rate_missing then 1 end)
    from conversion
    left join path on path.path_number = conversion.path_number
    where path.path_number is null
    group by conversion.cell_group

),

cell as (

    select
        cell_group, name_key,
        {% for model in single_models() -%}
        sum({{ model }}_touch) as {{ model }}_touch, sum({{ model }}_value) as {{ model }}_value,
        {% endfor -%}
        {% for model in sharing_models() -%}
        -- Exact products of exact numbers: over all names they add up to the CRM's money, to the last digit.
        sum({{ model }}_share) as {{ model }}_share, sum({{ model }}_value) as {{ model }}_value,
        {% endfor -%}
        cast(sum(missing_rate_count) as bigint) as missing_rate_count
    from part
    group by cell_group, name_key

),

period as (

    select distinct cell_group, week_start, month_start, conversion_type, partner_id from conversion

)

select
    period.week_start, period.month_start, period.conversion_type,
    {% for dimension in ['channel', 'source', 'campaign', 'content'] -%}
    coalesce(name.{{ dimension }}, 'unknown') as {{ dimension }},
    {% endfor -%}
    coalesce(period.partner_id, case when cell.name_key is null then 'unknown' when name.channel = 'partner' then name.source else 'none' end) as partner,
    {% for model in single_models() -%}
    cast(cell.{{ model }}_touch as numeric(38, 12)) as {{ model }}_credit,
    cast(cast(cell.{{ model }}_value as numeric(38, 0)) * 0.000001 as numeric(38, 18)) as {{ model }}_value,
    {% endfor -%}
    {% for model in sharing_models() -%}
    {{ of_trillionths('cast(cell.' ~ model ~ '_share as numeric(38, 0))') }} as {{ model }}_credit,
    {{ of_trillionths('cast(cell.' ~ model ~ '_value as numeric(38, 0)) * 0.000001') }} as {{ model }}_value,
    {% endfor -%}
    cell.missing_rate_count
from cell
inner join period on period.cell_group = cell.cell_group
left join name on name.name_key = cell.name_key

{%- endif %}
