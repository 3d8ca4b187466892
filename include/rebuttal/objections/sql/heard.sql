-- Every text in which somebody may say why they hesitate. Grain: source_kind, source, account_id, source_id; one row per
-- text that holds a character, deleted records left out. text_hash: md5 of the whole text. person_id: by the deal's
-- contact or the text's own, else by the address or browser that a survey response carries.
-- A survey's chosen reason is a text of its own: its source_id is the response's with `#reason` at the end.
WITH said AS (

    SELECT
        kind AS source_kind, source, account_id, conversation_id AS source_id, occurred_at, deal_id, contact_id,
        cast(NULL AS text) AS email_hash, cast(NULL AS text) AS client_id, cast(NULL AS text) AS form_id, body
    FROM core.conversation
    WHERE NOT coalesce(is_deleted, FALSE) AND kind IN ('note', 'call')

    UNION ALL

    SELECT
        'lost_reason', source, account_id, deal_id, coalesce(closed_at, updated_at, created_at), deal_id, contact_id,
        NULL, NULL, NULL, lost_reason
    FROM core.deal
    WHERE NOT coalesce(is_deleted, FALSE)

    UNION ALL

    SELECT
        'survey', source, account_id, response_id, coalesce(submitted_at, landed_at), deal_id, NULL,
        CASE WHEN email_kind = 'personal' THEN email_hash END, client_id, form_id, comment
    FROM core.survey_response

    UNION ALL

    SELECT
        'survey', source, account_id, response_id || '#reason', coalesce(submitted_at, landed_at), deal_id, NULL,
        CASE WHEN email_kind = 'personal' THEN email_hash END, client_id, form_id, reason_choice
    FROM core.survey_response

),

-- A deal belongs to one CRM; a survey only carries its number.
crm_deal AS (

    SELECT deal_id, min(source) AS source, min(account_id) AS account_id, min(contact_id) AS contact_id
    FROM core.deal
    GROUP BY deal_id

)

SELECT
    said.source_kind, said.source, said.account_id, said.source_id, said.form_id, said.occurred_at,
    nullif(said.deal_id, '') AS deal_id,
    coalesce(nullif(said.contact_id, ''), crm_deal.contact_id) AS contact_id,
    coalesce(own_contact.person_id, deal_contact.person_id, mail.person_id, browser.person_id) AS person_id,
    md5(said.body) AS text_hash
FROM said
LEFT JOIN crm_deal ON crm_deal.deal_id = nullif(said.deal_id, '')
LEFT JOIN core.person_identifier AS own_contact
    ON own_contact.identifier_kind = 'contact_id' AND own_contact.source = said.source
    AND own_contact.account_id = said.account_id AND own_contact.identifier = said.contact_id
LEFT JOIN core.person_identifier AS deal_contact
    ON deal_contact.identifier_kind = 'contact_id' AND deal_contact.source = crm_deal.source
    AND deal_contact.account_id = crm_deal.account_id AND deal_contact.identifier = crm_deal.contact_id
LEFT JOIN core.person_identifier AS mail
    ON mail.identifier_kind = 'email_hash' AND mail.identifier = said.email_hash
LEFT JOIN core.person_identifier AS browser
    ON browser.identifier_kind = 'client_id' AND browser.identifier = said.client_id
WHERE said.body IS NOT NULL AND trim(said.body) <> ''
ORDER BY said.source_kind, said.source, said.account_id, said.source_id
