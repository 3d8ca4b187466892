-- Which conversation voiced which theme, in whose words (buyer where both tell it). Grain: conversation and theme.
SELECT
    evidence.source_kind AS kind, evidence.source, evidence.account_id, evidence.source_id AS conversation_id,
    objection.category || '/' || coalesce(nullif(objection.theme, ''), 'general') AS theme,
    min(evidence.source_role) AS source_role
FROM marts.objection_evidence AS evidence
INNER JOIN marts.objection AS objection ON evidence.objection_id = objection.objection_id
WHERE evidence.source_kind IN ('note', 'call') AND evidence.occurred_at < :until
GROUP BY
    evidence.source_kind, evidence.source, evidence.account_id, evidence.source_id,
    objection.category || '/' || coalesce(nullif(objection.theme, ''), 'general')
ORDER BY kind, evidence.source, evidence.account_id, conversation_id, theme
