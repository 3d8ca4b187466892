-- One row per advertisement and day; its unit is the day, as in stg_ad.
SELECT ad.source || ':' || ad.account_id || ':' || cast(ad.report_date AS text) || ':' || ad.ad_id AS input_key,
       ad.batch_id,
       {hash}(ad.campaign_id, ad.campaign_name, ad.currency, ad.impressions, ad.clicks, ad.cost, ad.utm_source,
              ad.utm_medium, ad.utm_campaign{end}) AS content_hash,
       'day:' || cast(ad.report_date AS text) AS unit_id
FROM core.ad_performance AS ad
