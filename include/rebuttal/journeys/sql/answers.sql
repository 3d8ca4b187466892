-- One row per survey response that says who answered: by address, by device, or by the deal it is about.
SELECT response.email_hash, response.email_kind, response.client_id, response.submitted_at,
       deal.source, deal.account_id, deal.contact_id
FROM core.survey_response AS response
LEFT JOIN (
    SELECT deal_id, min(source) AS source, min(account_id) AS account_id, min(contact_id) AS contact_id
    FROM core.deal
    WHERE contact_id <> ''
    GROUP BY deal_id
    HAVING count(*) = 1
) AS deal ON deal.deal_id = response.deal_id
WHERE response.email_hash <> '' OR response.client_id <> ''
