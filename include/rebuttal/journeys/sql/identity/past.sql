-- The stored rows of who is in scope, and the refusals there.
CREATE TEMPORARY TABLE identity_past AS
SELECT * FROM core.person_identifier {only_scope};
CREATE TEMPORARY TABLE refusal_past AS
SELECT * FROM core.identity_refusal {only_scope}
