-- One row per advertisement and day of the account's zone. cost_micros are millionths of the account's currency. Tags
-- come from the final address, else from the suffix that is appended to it, else from the tracking template.
select
    {{ landing }},
    {{ day("date") }} as report_date,
    {{ text("time_zone") }} as time_zone,
    upper({{ text("currency") }}) as currency,
    {{ text("campaign_id") }} as campaign_id,
    {{ text("campaign_name") }} as campaign_name,
    {{ text("ad_group_id") }} as ad_group_id,
    {{ text("ad_group_name") }} as ad_group_name,
    {{ text("ad_id") }} as ad_id,
    {{ text("final_url") }} as final_url,
{%- for tag in ["utm_source", "utm_medium", "utm_campaign", "utm_content", "utm_term"] %}
    {{ url_tag("final_url", "final_url_suffix", "tracking_url_template", name=tag) }} as {{ tag }},
{%- endfor %}
    {{ integer("impressions") }} as impressions,
    {{ integer("clicks") }} as clicks,
    {{ micros("cost_micros") }} as cost,
    {{ real("conversions") }} as platform_conversions,
    {{ real("conversions_value") }} as platform_value,
    {{ unreadable() }}
from {{ landed() }}
