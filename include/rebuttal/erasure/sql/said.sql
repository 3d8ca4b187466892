-- What the person said and nobody else: texts by hash, and redacted quotes. Grain: kind (text | quote), value.
--   mine  a label whose person, contact or deal is the person's
WITH known AS (SELECT * FROM {known} AS known),
label AS (
    SELECT label.*,
        coalesce(label.person_id IN (SELECT value FROM known WHERE kind = 'person_id'), FALSE)
        OR coalesce(label.contact_id IN (SELECT value FROM known WHERE kind = 'contact_id'), FALSE)
        OR coalesce(label.deal_id IN (SELECT value FROM known WHERE kind = 'deal_id'), FALSE) AS is_mine
    FROM marts.text_label AS label
),
quoted AS (
    SELECT evidence.quote, label.is_mine
    FROM marts.objection_evidence AS evidence
    JOIN label ON label.source_kind = evidence.source_kind AND label.source = evidence.source
        AND label.account_id = evidence.account_id AND label.source_id = evidence.source_id
)
SELECT 'text' AS kind, text_hash AS value FROM label GROUP BY text_hash HAVING min(CAST(is_mine AS integer)) = 1
UNION ALL
SELECT 'quote', quote FROM quoted GROUP BY quote HAVING min(CAST(is_mine AS integer)) = 1
