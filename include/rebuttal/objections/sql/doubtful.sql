-- The texts about which the classifier is least sure: those it calls unclear first, then by how often the same words
-- were said, then by confidence. Grain: text_hash. What says nothing at all (confidence 0) is not worth a question.
SELECT
    label.text_hash, min(label.source_kind) AS source_kind, count(*) AS told_count,
    max(CASE WHEN label.status = 'unclear' THEN 1 ELSE 0 END) AS is_unclear,
    min(label.labels) AS labels, min(label.confidence) AS confidence, min(label.language) AS language
FROM marts.text_label AS label
WHERE label.decided_by = 'model' AND label.confidence > 0
GROUP BY label.text_hash
HAVING max(CASE WHEN label.status = 'unclear' THEN 1 ELSE 0 END) = 1 OR min(label.confidence) < :sure
ORDER BY is_unclear DESC, told_count DESC, confidence, text_hash
