-- One row per advertisement and day of the account's zone. The report has no addresses, so no tags; `--` is its word for
-- "nothing". Money is in millionths of the account's currency.
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
{%- for column in ["final_url", "utm_source", "utm_medium", "utm_campaign", "utm_content", "utm_term"] %}
    cast(null as text) as {{ column }},
{%- endfor %}
    {{ integer("impressions") }} as impressions,
    {{ integer("clicks") }} as clicks,
    {{ micros("cost_micros") }} as cost,
    {{ real("conversions") }} as platform_conversions,
    {{ micros("revenue_micros") }} as platform_value,
    {{ unreadable() }}
from {{ landed() }}
