-- One row per click and visit that came with its id; its unit is that of the visit.
SELECT 'click:' || click.source || ':' || click.account_id || ':' || click.click_id || ':' || visit.source || ':'
           || visit.account_id || ':' || visit.visit_id AS input_key,
       click.batch_id,
       {hash}(click.campaign_id{end}) AS content_hash,
       coalesce(device.person_id, 'visit:' || visit.source || ':' || visit.account_id || ':' || visit.visit_id) AS unit_id
FROM core.ad_click AS click
INNER JOIN core.visit AS visit ON visit.gclid = click.click_id
LEFT JOIN core.person_identifier AS device
    ON device.identifier_kind = 'client_id' AND device.identifier = visit.client_id
