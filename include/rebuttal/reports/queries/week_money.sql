-- At stake in all that voiced something first in the week, a deal once however many themes it voiced: themes do not add
-- up. One row. money: NULL while no amount is known of what is not won; 0 when all are won, or nothing was voiced.
SELECT
    CASE
        WHEN count(CASE WHEN is_won THEN 1 END) = count(*) THEN 0
        ELSE sum(CASE WHEN is_won THEN NULL ELSE money END)
    END AS money
FROM (
    SELECT
        coalesce(deal_id, objection_id) AS subject,
        coalesce(min(outcome), '') = 'won' AS is_won,
        max(money_at_risk_base) AS money
    FROM marts.objection
    WHERE week_start = :week AND category <> 'none'
        AND (cast(:partner AS VARCHAR) IS NULL OR partner_id = :partner)
    GROUP BY coalesce(deal_id, objection_id)
) AS told
