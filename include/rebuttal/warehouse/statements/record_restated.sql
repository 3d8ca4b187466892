-- What the vendor now says otherwise of days that it had told of before: per week, currency and measure of the rows of
-- this batch that replace others, their sum in core before and after. Written before the rows themselves are.
insert into ops.restatement (batch_id, week_start, currency, measure, row_count, before, after)
with pair as (
    select cast(date_trunc('week', staged.report_date) as date) as week_start,
        {{ currency("staged") }} as currency_after, {{ currency("core") }} as currency_before
        {%- for measure in measures %}, staged.{{ measure }} as {{ measure }}_after, core.{{ measure }} as {{ measure }}_before{% endfor %}
    from {{ written }} as staged
    join {{ judged }} as judged on judged._row = staged._row and judged.outcome = 'changed'
    join core.{{ entity }} as core on core.{{ place }} = judged.place
),
told as (
{%- for measure in measures %}
    select week_start, currency_after as currency, '{{ measure }}' as measure, 1 as rows,
        0.0 as before, cast({{ measure }}_after as double precision) as after
    from pair where {{ measure }}_after is distinct from {{ measure }}_before
    union all
    select week_start, currency_before, '{{ measure }}', 0, cast({{ measure }}_before as double precision), 0.0
    from pair where {{ measure }}_after is distinct from {{ measure }}_before
    {%- if not loop.last %}
    union all
    {%- endif %}
{%- endfor %}
)
select {{ batch_id }}, week_start, currency, measure, sum(rows), coalesce(sum(before), 0), coalesce(sum(after), 0)
from told
group by week_start, currency, measure
