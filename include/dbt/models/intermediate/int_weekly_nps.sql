with week as (

    select
        {{ week_start('submitted_at') }} as week_start,
        {{ count_where('nps_score >= 9') }} as promoters,
        {{ count_where('nps_score between 7 and 8') }} as passives,
        {{ count_where('nps_score <= 6') }} as detractors
    from {{ source('core', 'survey_response') }}
    where nps_score is not null and submitted_at is not null
    group by 1

)

select
    week_start,
    promoters,
    passives,
    detractors,
    promoters + passives + detractors as responses,
    100 * {{ ratio('promoters - detractors', 'promoters + passives + detractors') }} as nps
from week
