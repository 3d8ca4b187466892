select
    {{ week_start('submitted_at') }} as week_start,
    100 * {{ ratio(count_where('nps_score >= 9') ~ ' - ' ~ count_where('nps_score <= 6'), 'count(nps_score)') }} as nps
from {{ source('core', 'survey_response') }}
where nps_score is not null and submitted_at is not null
group by 1
