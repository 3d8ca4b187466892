-- Talks held in [:since, :until) with customers whose deal had voiced a theme before, and how many of them voiced it
-- again: what a piece about the theme can make rarer. Grain: theme (category/theme) with at least one such talk.
WITH talk AS (
    SELECT said.kind, said.source, said.account_id, said.conversation_id, said.deal_id, said.occurred_at
    FROM core.conversation AS said
    INNER JOIN marts.deal AS deal
        ON said.deal_id = deal.deal_id AND said.source = deal.source AND said.account_id = deal.account_id
    WHERE
        said.kind IN ('note', 'call')
        AND NOT coalesce(said.is_deleted, FALSE)
        AND said.occurred_at < :until
        AND (deal.closed_at IS NULL OR said.occurred_at <= deal.closed_at)
),

voiced AS (
    SELECT DISTINCT
        talk.kind, talk.source, talk.account_id, talk.conversation_id, talk.deal_id, talk.occurred_at,
        objection.category || '/' || coalesce(nullif(objection.theme, ''), 'general') AS theme
    FROM marts.objection_evidence AS evidence
    INNER JOIN marts.objection AS objection ON evidence.objection_id = objection.objection_id
    INNER JOIN talk
        ON
            evidence.source_kind = talk.kind AND evidence.source = talk.source
            AND evidence.account_id = talk.account_id AND evidence.source_id = talk.conversation_id
    WHERE objection.category <> 'none'
),

first_voiced AS (
    SELECT source, account_id, deal_id, theme, min(occurred_at) AS voiced_at
    FROM voiced
    GROUP BY source, account_id, deal_id, theme
)

SELECT earlier.theme, count(*) AS occasion_count, count(voiced.conversation_id) AS repeat_count
FROM first_voiced AS earlier
INNER JOIN talk
    ON
        earlier.source = talk.source AND earlier.account_id = talk.account_id AND earlier.deal_id = talk.deal_id
        AND talk.occurred_at > earlier.voiced_at
LEFT JOIN voiced
    ON
        talk.kind = voiced.kind AND talk.source = voiced.source AND talk.account_id = voiced.account_id
        AND talk.conversation_id = voiced.conversation_id AND earlier.theme = voiced.theme
WHERE talk.occurred_at >= :since
GROUP BY earlier.theme
ORDER BY earlier.theme
