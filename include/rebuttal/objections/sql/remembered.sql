-- What is known of texts that were read before: their labels, and the sentences that carried them. Grain: one row per
-- text and evidence; texts without an objection have one row with NULLs on the evidence's side.
SELECT
    label.source_kind, label.text_hash, label.model, label.language AS text_language, label.labels,
    label.primary_label, label.confidence AS text_confidence, label.status, label.decided_by,
    evidence.quote, evidence.quote_start, evidence.quote_end, evidence.confidence, evidence.source_role,
    objection.category, objection.theme
FROM marts.text_label AS label
LEFT JOIN marts.objection_evidence AS evidence
    ON evidence.source_kind = label.source_kind AND evidence.source = label.source
    AND evidence.account_id = label.account_id AND evidence.source_id = label.source_id
LEFT JOIN marts.objection AS objection ON objection.objection_id = evidence.objection_id
ORDER BY label.source_kind, label.text_hash, label.source, label.account_id, label.source_id, evidence.quote_start,
    objection.category
