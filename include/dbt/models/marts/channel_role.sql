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
        -- Above 1: the channel stands here more often than channels do on the whole.
        {{ ratio(ratio(place, 'placed'), 'nullif(cast(sum(' ~ place ~ ') over () as double precision), 0) / sum(placed) over ()') }} as {{ place }}_lift{% if not loop.last %},{% endif %}
        {% endfor %}
    from total

),

judged as (

    select
        lifted.*,
        case
            when placed < {{ var('roles_min_touches') }} then null
            {% for place in places -%}
            when coalesce({{ place }}_lift, 0) >= greatest({% for other in places %}coalesce({{ other }}_lift, 0){% if not loop.last %}, {% endif %}{% endfor %}) then '{{ place }}'
            {% endfor %}
        end as observed_role,
        {{ expected_place('declared_role') }} as expected_role
    from lifted

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
    opener_lift, assist_lift, closer_lift, after_sale_lift,
    ad_cost_base,
    '{{ var("base_currency") }}' as currency
from judged
