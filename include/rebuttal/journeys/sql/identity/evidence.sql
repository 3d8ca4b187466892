-- Every record of core that says something about who is who, as text. Key: record_kind, source, account_id, record_id.
-- The record stands for the identifier self_*; a record changes when its fingerprint does. Where only new batches
-- are looked at, records that more than one row of core has a say in are there all the same.
--   contact  a CRM contact, deleted ones too: a merged contact's identifiers still belong to its person
--   booking  a partner's customer: e-mail and phone count within that partner only (`partner_id`)
--   answer   a survey response, with the contact of its deal where one deal only has that id
--   deal     the contact that a deal names; some of them were never pulled or are gone
--   merge    what the CRM merged: the contact `other_id` went into this one
--   device, gclid, yclid  what the analytics tools saw
CREATE TEMPORARY VIEW {name} AS
SELECT 'contact' AS record_kind, source, account_id, contact_id AS record_id, row_hash AS fingerprint,
    created_at AS seen_at, 'contact_id' AS self_kind, source AS self_source, account_id AS self_account,
    contact_id AS self_id, '' AS partner_id, email_hash, email_kind, phone_hash, phone_kind, client_id, gclid, yclid,
    source AS other_source, account_id AS other_account, NULL AS other_id, segment, language, company_id, owner_id,
    upper(original_source) NOT IN ('', 'OFFLINE') AS is_online
FROM core.contact
{only_new}
UNION ALL
SELECT 'booking', source, account_id, booking_id, row_hash, created_at, 'booking_id', source, account_id, booking_id,
    coalesce(partner_id, ''), email_hash, email_kind, phone_hash, phone_kind, NULL, NULL, NULL, '', '', NULL, NULL,
    NULL, NULL, NULL, NULL
FROM core.booking
{only_new}
UNION ALL
SELECT 'answer', response.source, response.account_id, response.form_id || '/' || response.response_id,
    response.row_hash || '/' || coalesce(deal.source || '/' || deal.account_id || '/' || deal.contact_id, ''),
    response.submitted_at, 'response_id', response.source, response.account_id,
    response.form_id || '/' || response.response_id, '', response.email_hash, response.email_kind, NULL, NULL,
    response.client_id, NULL, NULL, deal.source, deal.account_id, deal.contact_id, NULL, NULL, NULL, NULL, NULL
FROM core.survey_response AS response
LEFT JOIN (
    SELECT deal_id, min(source) AS source, min(account_id) AS account_id, min(contact_id) AS contact_id
    FROM core.deal
    WHERE contact_id <> ''
    GROUP BY deal_id
    HAVING count(*) = 1
) AS deal ON deal.deal_id = response.deal_id
WHERE response.email_hash <> '' OR response.client_id <> ''
UNION ALL
SELECT 'deal', source, account_id, contact_id, {first_deal}, min(created_at), 'contact_id', source, account_id, contact_id,
    '', NULL, NULL, NULL, NULL, NULL, NULL, NULL, '', '', NULL, NULL, NULL, NULL, NULL, NULL
FROM core.deal
WHERE contact_id <> ''
GROUP BY source, account_id, contact_id
UNION ALL
SELECT DISTINCT 'merge', source, account_id, contact_id || '>' || merged_id, row_hash, created_at, 'contact_id', source,
    account_id, contact_id, '', NULL, NULL, NULL, NULL, NULL, NULL, NULL, source, account_id, merged_id, NULL, NULL,
    NULL, NULL, CAST(NULL AS boolean)
FROM (
    SELECT source, account_id, contact_id, row_hash, created_at,
        unnest(string_to_array(replace(translate(merged_ids, '[]" ', ''), ',', ';'), ';')) AS merged_id
    FROM core.contact
    WHERE merged_ids IS NOT NULL {and_new}
) AS merged
WHERE merged_id <> '' AND merged_id <> contact_id
UNION ALL
SELECT CASE kind WHEN 'client_id' THEN 'device' ELSE kind END, '', '',
    CASE kind WHEN 'client_id' THEN client_id ELSE click_id || '>' || client_id END, {seen}, seen_at,
    kind, '', '', CASE kind WHEN 'client_id' THEN client_id ELSE click_id END, '', NULL, NULL, NULL, NULL,
    CASE kind WHEN 'client_id' THEN NULL ELSE client_id END, NULL, NULL, '', '', NULL, NULL, NULL, NULL, NULL, NULL
FROM identity_web
