-- Which conversation voiced which theme. Grain: conversation and theme.
SELECT DISTINCT
    evidence.source_kind AS kind, evidence.source, evidence.account_id, evidence.source_id AS conversation_id,
    objection.category || '/' || coalesce(nullif(objection.theme, ''), 'general') AS theme
FROM marts.objection_evidence AS evidence
INNER JOIN marts.objection AS objection ON evidence.objection_id = objection.objection_id
WHERE evidence.source_kind IN ('note', 'call') AND evidence.occurred_at < :until
ORDER BY kind, evidence.source, evidence.account_id, conversation_id, theme
