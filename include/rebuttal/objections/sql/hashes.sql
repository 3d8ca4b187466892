-- The texts that marts.text_label knows by one of the asked keys. Grain: one row per asked key that was heard.
SELECT label.source_kind, label.source, label.account_id, label.source_id, label.text_hash
FROM marts.text_label AS label
INNER JOIN asked_key
    ON asked_key.source_kind = label.source_kind AND asked_key.source = label.source
    AND asked_key.account_id = label.account_id AND asked_key.source_id = label.source_id
