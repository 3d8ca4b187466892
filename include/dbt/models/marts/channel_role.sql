{%- set places = ['opener', 'assist', 'closer', 'after_sale'] -%}
with total as (

    select int_channel_place.*, opener + assist + closer + after_sale as placed
    from {{ ref('int_channel_place') }} as int_channel_place

),

lifted as (

    select
        total.*,
        {% for place in places -%}
        {{ ratio(place, 'placed') }} as {{ place }}_share,
        placed * {{ ratio('sum(' ~ place ~ ') over ()', 'sum(placed) over ()') }} as {{ place }}_expected{% if not loop.last %},{% endif %}
        {% endfor %}
    from total

),

compared as (

    -- Above 0 the channel stands here more often than channels do on the whole, in standard deviations (Pearson residual):
    -- a place that is rare for all does not win by one touch.
    select
        lifted.*,
        {% for place in places -%}
        coalesce({{ ratio(place ~ ' - ' ~ place ~ '_expected', 'sqrt(' ~ place ~ '_expected)') }}, 0) as {{ place }}_surplus{% if not loop.last %},{% endif %}
        {% endfor %}
    from lifted

),

judged as (

    select
        compared.*,
        case
            when placed < {{ var('roles_min_touches') }} then null
            {% for place in places -%}
            when {{ place }}_surplus >= 2 and {{ place }}_surplus >= greatest({% for other in places %}{{ other }}_surplus{% if not loop.last %}, {% endif %}{% endfor %}) then '{{ place }}'
            {% endfor %}
        end as observed_role,
        {{ expected_place('declared_role') }} as expected_role
    from compared

)

select
    channel,
    declared_role,
    expected_role,
    observed_role,
    case when expected_role is not null then observed_role = expected_role end as is_as_declared,
    conversions > 0 or after_sale > 0 as is_turning,
    case
        when conversions > 0 or after_sale > 0 then null
        when touches > 0 then 'touches, but none on the way to a conversion'
        when ad_cost_base <> 0 or ad_cost_base is null then 'money was spent, and no touch was seen'
        else 'nothing was seen of it'
    end as reason,
    touches,
    conversions,
    opener, assist, closer, after_sale,
    opener_share, assist_share, closer_share, after_sale_share,
    opener_surplus, assist_surplus, closer_surplus, after_sale_surplus,
    ad_cost_base,
    '{{ var("base_currency") }}' as currency
from judged
