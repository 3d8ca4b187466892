-- What an objection takes from its deal: money (base currency), stage, channel, product, segment, outcome, person.
-- Grain: deal_id. The stage of a lost deal is the last one before it was lost.
SELECT
    deal.deal_id,
    min(deal.person_id) AS person_id,
    min(deal.outcome) AS outcome,
    min(deal.amount_base) AS amount_base,
    min(deal.channel) AS channel,
    min(deal.product) AS product,
    min(deal.segment) AS segment,
    min(coalesce(before_loss.stage_label, deal.last_stage_before_loss, deal.stage_label, deal.stage_id)) AS stage
FROM marts.deal AS deal
LEFT JOIN core.pipeline_stage AS before_loss
    ON before_loss.source = deal.source AND before_loss.account_id = deal.account_id
    AND before_loss.stage_id = deal.last_stage_before_loss
GROUP BY deal.deal_id
ORDER BY deal.deal_id
