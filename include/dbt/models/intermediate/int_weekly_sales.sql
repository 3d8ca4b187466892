with event as (

    select {{ week_start('converted_at') }} as week_start, 'lead' as event, person_id, cast(null as numeric(18, 6)) as amount_base, false as is_rate_missing, false as has_amount
    from {{ ref('int_conversion') }} where conversion_type = 'lead'
    union all
    select {{ week_start('converted_at') }}, 'mql', person_id, null, false, false
    from {{ ref('int_conversion') }} where conversion_type = 'lead' and is_mql
    union all
    select {{ week_start('sql_at') }}, 'sql', null, null, false, false
    from {{ ref('int_stage_reached') }} where sql_at is not null
    union all
    select {{ week_start('proposal_at') }}, 'proposal', null, null, false, false
    from {{ ref('int_stage_reached') }} where proposal_at is not null
    union all
    select {{ week_start('created_at') }}, 'deal', null, null, false, false
    from {{ ref('stg_deal') }} where created_at is not null
    union all
    select {{ week_start('closed_at') }}, outcome, person_id, amount_base, is_rate_missing, amount is not null
    from {{ ref('stg_deal') }} where outcome <> 'open' and closed_at is not null
    union all
    select {{ week_start('min(closed_at)') }}, 'customer', person_id, null, false, false
    from {{ ref('stg_deal') }} where outcome = 'won' and person_id is not null group by person_id

)

select
    week_start,
    {% for name in ['lead', 'mql', 'sql', 'proposal', 'deal', 'won', 'lost', 'customer'] -%}
    {{ count_where("event = '" ~ name ~ "'") }} as {{ name }}_count,
    {% endfor -%}
    {{ sum_converted("case when event = 'won' then amount_base end", "event = 'won' and is_rate_missing") }} as revenue_base,
    {{ count_where("event = 'won' and has_amount") }} as priced_won_count,
    {{ count_where("event = 'won' and is_rate_missing") }} as missing_rate_count
from event
group by 1
