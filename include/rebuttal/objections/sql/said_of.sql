-- What the classifier said of the asked texts, people's own answers left out. Grain: text_hash.
SELECT
    label.text_hash, min(label.primary_label) AS primary_label, min(label.labels) AS labels,
    min(label.status) AS status, min(label.confidence) AS confidence, min(label.model) AS model
FROM marts.text_label AS label
INNER JOIN asked_hash ON asked_hash.text_hash = label.text_hash
WHERE label.decided_by = 'model'
GROUP BY label.text_hash
