with added as (

    -- Rocks (2016), "Interval estimation for the Net Promoter Score": three more answers, 3/4 promoters, 3/4 detractors,
    -- the rest passives, keep the interval honest where answers are few or all alike.
    select
        int_weekly_nps.*,
        responses + 3 as n,
        (promoters + 0.75) / (responses + 3) as share_promoters,
        (detractors + 0.75) / (responses + 3) as share_detractors
    from {{ ref('int_weekly_nps') }} as int_weekly_nps

),

spread as (

    select
        added.*,
        cast(share_promoters - share_detractors as double precision) as centre,
        1.959963984540054 * sqrt(cast(
            (share_promoters + share_detractors - power(share_promoters - share_detractors, 2)) / n as double precision
        )) as half_width
    from added

)

select
    week_start,
    responses,
    promoters,
    passives,
    detractors,
    nps,
    -- The added answers pull the interval towards the middle; of one answer it would not even hold what was measured.
    cast(greatest(-100, least(nps, 100 * (centre - half_width))) as numeric(7, 3)) as nps_low,
    cast(least(100, greatest(nps, 100 * (centre + half_width))) as numeric(7, 3)) as nps_high
from spread
