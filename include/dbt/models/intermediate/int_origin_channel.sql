with origin as (

    {% for model in ['stg_visit', 'stg_ad', 'stg_answer'] -%}
    select origin_id, {{ origin_columns() | join(', ') }} from {{ ref(model) }}
    {% if not loop.last %}union{% endif %}
    {% endfor %}

),

fitting as (

    select
        origin.origin_id,
        rule.channel,
        row_number() over (partition by origin.origin_id order by rule.rule_order) as place
    from origin
    inner join {{ source('ops', 'channel_rule') }} as rule
        on (rule.answer is null) = (origin.answer is null)
        {%- for column in origin_columns() %}
        and {{ fits('lower(origin.' ~ column ~ ')', 'rule.' ~ column) }}
        {%- endfor %}

)

select origin.origin_id, coalesce(fitting.channel, 'unknown') as channel
from origin
left join fitting on fitting.origin_id = origin.origin_id and fitting.place = 1
