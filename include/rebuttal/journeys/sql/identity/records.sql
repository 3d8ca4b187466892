-- The records of the scope as numbers: 0 for no node, -1 for no word, the largest number for an unknown time.
SELECT record_key AS key, kind, self_node, coalesce(email_node, 0) AS email, coalesce(phone_node, 0) AS phone,
    coalesce(client_node, 0) AS client, coalesce(gclid_node, 0) AS gclid, coalesce(yclid_node, 0) AS yclid,
    coalesce(other_node, 0) AS other, coalesce({seen}, 9223372036854775807) AS seen, {turn} AS turn,
    coalesce(segment_key, -1) AS segment, coalesce(language_key, -1) AS language, coalesce(company_key, -1) AS company,
    coalesce(owner_key, -1) AS owner, is_scoped, coalesce(email_word = 'role', false) AS is_role,
    coalesce(is_online, false) AS is_online
FROM {records} AS record
