-- One row per visit, as visit_unit.sql takes it.
SELECT 'visit:' || visit.source || ':' || visit.account_id || ':' || visit.visit_id AS input_key,
       visit.batch_id,
       {hash}(visit.client_id, visit.started_at, visit.duration_seconds, visit.landing_url, visit.referrer,
              visit.traffic_source, visit.utm_source, visit.utm_medium, visit.utm_campaign, visit.utm_source_norm,
              visit.utm_medium_norm, visit.utm_campaign_norm, visit.gclid, visit.yclid,
              visit.click_campaign_id, visit.utm_status{end}) AS content_hash,
       visit.client_id
FROM {visits} AS visit
