-- What was found of every identifier of the scope, with its name: as it stands in its row of a person, in its refusal
-- or, where it is new, in the record that brought it.
CREATE TEMPORARY TABLE identity_name AS
SELECT node_id, identifier_kind, source, account_id, identifier FROM identity_past
UNION
SELECT node_id, identifier_kind, source, account_id, identifier FROM refusal_past
UNION
SELECT {self_node}, self_kind, self_source, self_account, self_id FROM identity_text AS now
UNION
SELECT {email_node}, {email_kind}, '', partner_id, email_hash FROM identity_text AS now WHERE email_hash <> ''
UNION
SELECT {phone_node}, {phone_kind}, '', partner_id, phone_hash FROM identity_text AS now WHERE phone_hash <> ''
UNION
SELECT {client_node}, 'client_id', '', '', client_id FROM identity_text AS now WHERE client_id <> ''
UNION
SELECT {gclid_node}, 'gclid', '', '', gclid FROM identity_text AS now WHERE gclid <> ''
UNION
SELECT {yclid_node}, 'yclid', '', '', yclid FROM identity_text AS now WHERE yclid <> ''
UNION
SELECT {other_node}, 'contact_id', other_source, other_account, other_id FROM identity_text AS now WHERE other_id <> '';
CREATE TEMPORARY TABLE identity_known AS
SELECT name.node_id, member.component, member.rule, member.seen_at, member.earliest, name.identifier_kind, name.source,
    name.account_id, name.identifier
FROM identity_name AS name
LEFT JOIN identity_member AS member ON member.node_id = name.node_id
