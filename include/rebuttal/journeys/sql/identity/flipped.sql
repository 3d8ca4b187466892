-- Identifiers that became a crowd, or are none any more.
CREATE TEMPORARY TABLE identity_flipped AS
SELECT scope.node_id FROM identity_scope AS scope
JOIN identity_seed AS seed ON seed.node_id = scope.node_id
WHERE scope.is_crowd <> (scope.node_id IN (SELECT node_id FROM identity_crowd))
