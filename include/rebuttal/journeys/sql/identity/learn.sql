-- Records as numbers: every identifier is the hash of its kind, source, account and name.
INSERT INTO {records} (kind, record_key, content_key, seen_at, self_node, email_node, phone_node, client_node, gclid_node,
    yclid_node, other_node, is_scoped, email_word, phone_word, segment_key, language_key, company_key, owner_key, is_online)
SELECT CASE now.record_kind WHEN 'contact' THEN 0 WHEN 'booking' THEN 1 WHEN 'answer' THEN 2 WHEN 'deal' THEN 3
        WHEN 'merge' THEN 4 WHEN 'device' THEN 5 WHEN 'gclid' THEN 6 ELSE 7 END AS kind,
    now.record_key, now.content_key, now.seen_at,
    {self_node} AS self_node,
    CASE WHEN now.email_hash <> '' THEN {email_node} END AS email_node,
    CASE WHEN now.phone_hash <> '' THEN {phone_node} END AS phone_node,
    CASE WHEN now.client_id <> '' THEN {client_node} END AS client_node,
    CASE WHEN now.gclid <> '' THEN {gclid_node} END AS gclid_node,
    CASE WHEN now.yclid <> '' THEN {yclid_node} END AS yclid_node,
    CASE WHEN now.other_id <> '' THEN {other_node} END AS other_node,
    now.partner_id <> '' AS is_scoped,
    nullif(coalesce(now.email_kind, CASE WHEN now.email_hash <> '' THEN 'unknown' END), 'personal') AS email_word,
    nullif(coalesce(now.phone_kind, CASE WHEN now.phone_hash <> '' THEN 'unknown' END), 'personal') AS phone_word,
    CASE WHEN now.segment IS NOT NULL THEN {segment_key} END AS segment_key,
    CASE WHEN now.language IS NOT NULL THEN {language_key} END AS language_key,
    CASE WHEN now.company_id IS NOT NULL THEN {company_key} END AS company_key,
    CASE WHEN now.owner_id IS NOT NULL THEN {owner_key} END AS owner_key,
    now.is_online
FROM {texts} AS now
