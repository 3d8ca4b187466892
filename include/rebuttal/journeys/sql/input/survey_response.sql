-- One row per survey response; its unit is the person that answered, as stg_answer finds it. Answers are
-- few: an engine that joins them to all identifiers may read all of these into memory.
SELECT response.source || ':' || response.account_id || ':' || response.form_id || ':' || response.response_id AS input_key,
       response.batch_id,
       {hash}(response.submitted_at, response.nps_score, response.self_reported_source, response.email_hash,
              response.client_id, response.deal_id{end}) AS content_hash,
       coalesce(by_email.person_id, by_device.person_id, by_deal.person_id, '') AS unit_id
FROM core.survey_response AS response
LEFT JOIN (
    SELECT identifier, person_id FROM core.person_identifier
    WHERE identifier_kind = 'email_hash' AND identifier IN (SELECT email_hash FROM core.survey_response)
) AS by_email ON by_email.identifier = response.email_hash
LEFT JOIN (
    SELECT identifier, person_id FROM core.person_identifier
    WHERE identifier_kind = 'client_id' AND identifier IN (SELECT client_id FROM core.survey_response)
) AS by_device ON by_device.identifier = response.client_id
LEFT JOIN (
    SELECT deal.deal_id, min(person.person_id) AS person_id
    FROM core.deal AS deal
    LEFT JOIN core.person_identifier AS person
        ON person.identifier_kind = 'contact_id' AND person.source = deal.source
        AND person.account_id = deal.account_id AND person.identifier = deal.contact_id
    WHERE NOT coalesce(deal.is_deleted, FALSE)
    GROUP BY deal.deal_id
    HAVING count(*) = 1
) AS by_deal ON by_deal.deal_id = response.deal_id
