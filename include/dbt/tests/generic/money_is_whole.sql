{#- Fails for every period, conversion type, model and dimension whose names together have other money than the conversions. -#}
{% test money_is_whole(model, compare_to) %}
select attributed.period_start, attributed.conversion_type, attributed.model, attributed.dimension, attributed.value_base, known.value_base as known
from (
    select period_start, conversion_type, model, dimension, sum(value_base) as value_base, count(case when value_base is null then 1 end) as missing
    from {{ model }}
    where period_kind = 'week' and conversion_type in ('won', 'repeat', 'booking_served')
    group by period_start, conversion_type, model, dimension
) as attributed
inner join (
    select {{ week_start('converted_at') }} as week_start, conversion_type, sum(value_base) as value_base
    from {{ compare_to }}
    group by 1, 2
) as known on known.week_start = attributed.period_start and known.conversion_type = attributed.conversion_type
where attributed.missing = 0 and attributed.value_base <> known.value_base
{% endtest %}
