-- The records of the scope as numbers: 0 for no node, the largest number for an unknown time.
SELECT CASE record_kind WHEN 'contact' THEN 0 WHEN 'booking' THEN 1 WHEN 'answer' THEN 2 WHEN 'deal' THEN 3
        WHEN 'merge' THEN 4 WHEN 'device' THEN 5 WHEN 'gclid' THEN 6 ELSE 7 END AS kind,
    self_node, coalesce(email_node, 0) AS email, coalesce(phone_node, 0) AS phone, coalesce(client_node, 0) AS client,
    coalesce(gclid_node, 0) AS gclid, coalesce(yclid_node, 0) AS yclid, coalesce(other_node, 0) AS other,
    coalesce({seen}, 9223372036854775807) AS seen, segment, language, company_id AS company, owner_id AS owner,
    is_scoped, coalesce(email_kind = 'role', false) AS is_role, coalesce(is_online, false) AS is_online
FROM core.identity_record
WHERE {which} {only_scope}
{ordered}
