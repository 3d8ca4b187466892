-- One row per click. Click ids are kept byte for byte.
select
    {{ landing }},
    {{ text("gclid") }} as click_id,
    {{ day("date") }} as report_date,
    {{ text("campaign_id") }} as campaign_id,
    {{ text("ad_group_id") }} as ad_group_id,
    {{ text("ad") }} as ad_id,
    {{ unreadable() }}
from {{ landed() }}
