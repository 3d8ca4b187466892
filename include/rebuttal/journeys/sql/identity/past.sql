-- The stored rows of who is in scope, with their numbers.
CREATE TEMPORARY TABLE identity_past AS
SELECT node.node_id, person.* FROM core.person_identifier AS person
{outer} JOIN (SELECT * FROM core.identity_node {only_scope}) AS node ON node.identifier = person.identifier
    AND node.identifier_kind = person.identifier_kind AND node.source = person.source
    AND node.account_id = person.account_id
