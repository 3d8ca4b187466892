-- Decisions that were to be looked at again by the end of the period and were not. Grain: decision.
SELECT kind, subject, decision, review_at
FROM marts.decision
WHERE review_at < :ends_at AND reviewed_at IS NULL
ORDER BY review_at, decision_id
