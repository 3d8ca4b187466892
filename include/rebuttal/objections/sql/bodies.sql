-- The texts that have not been read by this model yet, cut to :longest characters; text_length is the whole one's.
-- Grain: text_hash (texts that are the same word for word are read once) and kind.
WITH said AS (
    SELECT kind AS source_kind, body FROM core.conversation
    WHERE NOT coalesce(is_deleted, FALSE) AND kind IN ('note', 'call')
    UNION ALL
    SELECT 'lost_reason', lost_reason FROM core.deal WHERE NOT coalesce(is_deleted, FALSE)
    UNION ALL
    SELECT 'survey', comment FROM core.survey_response
    UNION ALL
    SELECT 'survey', reason_choice FROM core.survey_response
)

SELECT
    said.source_kind, md5(said.body) AS text_hash, max(substr(said.body, 1, :longest)) AS body,
    max(length(said.body)) AS text_length
FROM said
INNER JOIN unread ON unread.source_kind = said.source_kind AND unread.text_hash = md5(said.body)
WHERE said.body IS NOT NULL AND trim(said.body) <> ''
GROUP BY said.source_kind, md5(said.body)
ORDER BY said.source_kind, text_hash
