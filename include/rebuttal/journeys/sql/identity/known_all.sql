-- What was found of every identifier, with its name: looked up in the record that named it first (identity_member.key),
-- in the column that `place` counts: self, e-mail, phone, client, gclid, yclid, other.
CREATE TEMPORARY {held} identity_known AS
SELECT member.node_id, member.component, member.rule, member.seen_at, member.earliest,
    CASE member.place WHEN 0 THEN now.self_kind
        WHEN 1 THEN CASE WHEN now.partner_id <> '' THEN 'partner_email_hash' ELSE 'email_hash' END
        WHEN 2 THEN CASE WHEN now.partner_id <> '' THEN 'partner_phone_hash' ELSE 'phone_hash' END
        WHEN 3 THEN 'client_id' WHEN 4 THEN 'gclid' WHEN 5 THEN 'yclid' ELSE 'contact_id' END AS identifier_kind,
    CASE member.place WHEN 0 THEN now.self_source WHEN 6 THEN now.other_source ELSE '' END AS source,
    CASE member.place WHEN 0 THEN now.self_account WHEN 1 THEN now.partner_id WHEN 2 THEN now.partner_id
        WHEN 6 THEN now.other_account ELSE '' END AS account_id,
    CASE member.place WHEN 0 THEN now.self_id WHEN 1 THEN now.email_hash WHEN 2 THEN now.phone_hash
        WHEN 3 THEN now.client_id WHEN 4 THEN now.gclid WHEN 5 THEN now.yclid ELSE now.other_id END AS identifier
FROM identity_member AS member
JOIN identity_text AS now ON now.record_key = member.named_by
