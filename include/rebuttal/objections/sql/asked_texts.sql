-- The words of the asked texts, cut to :longest characters. Grain: text_hash.
WITH said AS (
    SELECT body FROM core.conversation WHERE NOT coalesce(is_deleted, FALSE) AND kind IN ('note', 'call')
    UNION ALL
    SELECT lost_reason FROM core.deal WHERE NOT coalesce(is_deleted, FALSE)
    UNION ALL
    SELECT comment FROM core.survey_response
    UNION ALL
    SELECT reason_choice FROM core.survey_response
)

SELECT asked_hash.text_hash, min(substr(said.body, 1, :longest)) AS body
FROM said
INNER JOIN asked_hash ON asked_hash.text_hash = md5(said.body)
GROUP BY asked_hash.text_hash
