{{ config(materialized='incremental', incremental_strategy='append') }}

with origin as (

    {% for model in ['stg_visit', 'stg_ad', 'stg_answer'] -%}
    select origin_id, {{ origin_columns() | join(', ') }} from {{ ref(model) }}
    {%- if model == 'stg_visit' %} where true {{ only_changed('coalesce(person_id, touchpoint_id)') }}
    {%- elif model == 'stg_ad' %} where true {{ only_changed('change_unit') }}{% endif %}
    {% if not loop.last %}union distinct{% endif %}
    {% endfor %}

),

news as (

    -- The rules are the same as in the last build (else it is a full one), so what is known stays known.
    select * from origin
    {%- if is_incremental() %}
    where origin_id not in (select origin_id from {{ this }})
    {%- endif %}

),

fitting as (

    select
        news.origin_id,
        rule.channel,
        row_number() over (partition by news.origin_id order by rule.rule_order) as place
    from news
    inner join {{ source('ops', 'channel_rule') }} as rule
        on (rule.answer is null) = (news.answer is null)
        {%- for column in origin_columns() %}
        and {{ fits('lower(news.' ~ column ~ ')', 'rule.' ~ column) }}
        {%- endfor %}

),

page as (

    -- Where those came from who bring tags of paid search and no click id: the rules on their referrer alone.
    select
        news.origin_id,
        rule.channel,
        row_number() over (partition by news.origin_id order by rule.rule_order) as place
    from news
    inner join {{ source('ops', 'channel_rule') }} as rule
        on rule.answer is null and rule.referrer is not null
        and {{ fits('lower(news.referrer)', 'rule.referrer') }}
        {%- for column in origin_columns() if column not in ('referrer', 'answer') %}
        and {{ fits("''", 'rule.' ~ column) }}
        {%- endfor %}
    where news.click is null and news.utm_medium in ('cpc', 'ppc') and news.referrer <> ''

)

select
    news.origin_id,
    -- Paid search is clicked on a search engine. From any other page and without a click id, it is a link that was copied.
    case
        when fitting.channel like 'search%' and page.channel not in ('organic', 'unknown') then page.channel
        else coalesce(fitting.channel, 'unknown')
    end as channel
from news
left join fitting on fitting.origin_id = news.origin_id and fitting.place = 1
left join page on page.origin_id = news.origin_id and page.place = 1
