-- New and changed records come in: their identifiers get numbers (those known keep theirs), and are touched.
CREATE TEMPORARY {held} identity_text AS
SELECT now.*, {record_key} AS record_key, {content_key} AS content_key,
    CASE WHEN partner_id <> '' THEN 'partner_email_hash' ELSE 'email_hash' END AS email_node_kind,
    CASE WHEN partner_id <> '' THEN 'partner_phone_hash' ELSE 'phone_hash' END AS phone_node_kind
FROM identity_evidence AS now
{only_delta};
CREATE TEMPORARY {held} identity_name AS
SELECT DISTINCT identifier_kind, source, account_id, identifier FROM (
    SELECT self_kind AS identifier_kind, self_source AS source, self_account AS account_id, self_id AS identifier
    FROM identity_text
    UNION ALL SELECT email_node_kind, '', partner_id, email_hash FROM identity_text WHERE email_hash <> ''
    UNION ALL SELECT phone_node_kind, '', partner_id, phone_hash FROM identity_text WHERE phone_hash <> ''
    UNION ALL SELECT 'client_id', '', '', client_id FROM identity_text WHERE client_id <> ''
    UNION ALL SELECT 'gclid', '', '', gclid FROM identity_text WHERE gclid <> ''
    UNION ALL SELECT 'yclid', '', '', yclid FROM identity_text WHERE yclid <> ''
    UNION ALL SELECT 'contact_id', other_source, other_account, other_id FROM identity_text WHERE other_id <> ''
) AS named;
INSERT INTO core.identity_node (node_id, identifier_kind, source, account_id, identifier)
SELECT (SELECT coalesce(max(node_id), 0) FROM core.identity_node) + row_number() OVER (), name.identifier_kind,
    name.source, name.account_id, name.identifier
FROM identity_name AS name
{only_unknown};
CREATE TEMPORARY {held} identity_number AS
SELECT known.* FROM core.identity_node AS known {only_named};
INSERT INTO core.identity_record
SELECT CASE now.record_kind WHEN 'contact' THEN 0 WHEN 'booking' THEN 1 WHEN 'answer' THEN 2 WHEN 'deal' THEN 3
        WHEN 'merge' THEN 4 WHEN 'device' THEN 5 WHEN 'gclid' THEN 6 ELSE 7 END AS kind,
    now.record_key, now.content_key, now.seen_at,
    self.node_id AS self_node, email.node_id AS email_node, phone.node_id AS phone_node, client.node_id AS client_node,
    google.node_id AS gclid_node, yandex.node_id AS yclid_node, other.node_id AS other_node,
    now.partner_id <> '' AS is_scoped, now.email_kind, now.phone_kind,
    CASE WHEN now.segment IS NOT NULL THEN {segment_key} END AS segment_key,
    CASE WHEN now.language IS NOT NULL THEN {language_key} END AS language_key,
    CASE WHEN now.company_id IS NOT NULL THEN {company_key} END AS company_key,
    CASE WHEN now.owner_id IS NOT NULL THEN {owner_key} END AS owner_key,
    now.is_online
FROM identity_text AS now
-- Each looks among its own kinds only: the kinds are many times fewer than all identifiers.
JOIN (SELECT * FROM identity_number WHERE identifier_kind IN
    ('contact_id', 'booking_id', 'response_id', 'client_id', 'gclid', 'yclid')) AS self ON self.identifier = now.self_id
    AND self.identifier_kind = now.self_kind AND self.source = now.self_source AND self.account_id = now.self_account
LEFT JOIN (SELECT * FROM identity_number WHERE identifier_kind IN ('email_hash', 'partner_email_hash')) AS email
    ON email.identifier = now.email_hash AND email.identifier_kind = now.email_node_kind
    AND email.account_id = now.partner_id
LEFT JOIN (SELECT * FROM identity_number WHERE identifier_kind IN ('phone_hash', 'partner_phone_hash')) AS phone
    ON phone.identifier = now.phone_hash AND phone.identifier_kind = now.phone_node_kind
    AND phone.account_id = now.partner_id
LEFT JOIN (SELECT * FROM identity_number WHERE identifier_kind = 'client_id') AS client
    ON client.identifier = now.client_id
LEFT JOIN (SELECT * FROM identity_number WHERE identifier_kind = 'gclid') AS google ON google.identifier = now.gclid
LEFT JOIN (SELECT * FROM identity_number WHERE identifier_kind = 'yclid') AS yandex ON yandex.identifier = now.yclid
LEFT JOIN (SELECT * FROM identity_number WHERE identifier_kind = 'contact_id') AS other
    ON other.identifier = now.other_id AND other.source = now.other_source AND other.account_id = now.other_account;
INSERT INTO identity_touched SELECT node_id FROM identity_number
