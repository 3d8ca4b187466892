-- Goals as people write them: shares in per cent, and the unit beside the number. One row per goal, as the mart.
select
    *,
    case when metric in ('win_rate', 'landing_conversion') then '%' when metric in ('revenue', 'ad_cost', 'cpa') then currency else '' end as unit,
    case when metric in ('win_rate', 'landing_conversion') then 100 * target else target end as target_shown,
    case when metric in ('win_rate', 'landing_conversion') then 100 * current_value else current_value end as current_shown,
    case when metric in ('win_rate', 'landing_conversion') then 100 * forecast else forecast end as forecast_shown
from goal_progress
