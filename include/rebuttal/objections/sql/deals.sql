-- What an objection takes from its deal: money (base currency), stage, channel, product, segment, outcome, person.
-- Grain: deal_id. The stage of a lost deal is the last one before it was lost.
-- The marts know it best. Of a deal that changed since they were built, or that they do not know yet, core says how it
-- stands, and the newest rate of its currency what it is worth; the next build says so exactly.
WITH rate AS (

    SELECT currency, amount_base / amount AS rate_to_base
    FROM (
        SELECT
            currency, amount, amount_base,
            row_number() OVER (PARTITION BY currency ORDER BY created_at DESC, source, account_id, deal_id) AS place
        FROM marts.deal
        WHERE amount > 0 AND amount_base IS NOT NULL
    ) AS newest
    WHERE place = 1

),

deal AS (

    SELECT
        source, account_id, deal_id, contact_id, pipeline_id, stage_id, amount, currency, product,
        CASE WHEN is_won THEN 'won' WHEN is_closed THEN 'lost' ELSE 'open' END AS outcome
    FROM core.deal
    WHERE NOT coalesce(is_deleted, FALSE)

)

SELECT
    deal.deal_id,
    min(coalesce(known.person_id, person.person_id)) AS person_id,
    min(deal.outcome) AS outcome,
    min(
        CASE
            WHEN known.amount = deal.amount AND known.currency = deal.currency THEN known.amount_base
            ELSE deal.amount * rate.rate_to_base
        END
    ) AS amount_base,
    min(known.channel) AS channel,
    min(deal.product) AS product,
    min(known.segment) AS segment,
    min(
        CASE
            WHEN deal.outcome = 'lost' AND known.outcome = 'open' THEN coalesce(known.stage_label, known.stage_id)
            WHEN deal.outcome = 'lost' AND known.outcome = 'lost'
                THEN coalesce(
                    before_loss.stage_label, known.last_stage_before_loss, known.stage_label, known.stage_id
                )
            WHEN known.stage_id = deal.stage_id THEN coalesce(known.stage_label, known.stage_id)
            ELSE coalesce(stage.stage_label, deal.stage_id)
        END
    ) AS stage
FROM deal
LEFT JOIN marts.deal AS known
    ON known.source = deal.source AND known.account_id = deal.account_id AND known.deal_id = deal.deal_id
LEFT JOIN rate ON rate.currency = deal.currency
LEFT JOIN core.person_identifier AS person
    ON person.identifier_kind = 'contact_id' AND person.source = deal.source
    AND person.account_id = deal.account_id AND person.identifier = deal.contact_id
LEFT JOIN core.pipeline_stage AS stage
    ON stage.source = deal.source AND stage.account_id = deal.account_id
    AND stage.pipeline_id = deal.pipeline_id AND stage.stage_id = deal.stage_id
LEFT JOIN core.pipeline_stage AS before_loss
    ON before_loss.source = known.source AND before_loss.account_id = known.account_id
    AND before_loss.stage_id = known.last_stage_before_loss
GROUP BY deal.deal_id
ORDER BY deal.deal_id
