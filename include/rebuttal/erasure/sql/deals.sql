-- Deals whose primary contact is the person, by their id and by the number that surveys know them by.
-- Grain: kind, source, account_id, value.
WITH known AS (SELECT * FROM {known} AS known),
own AS (
    SELECT deal.source, deal.account_id, deal.deal_id FROM core.deal AS deal
    JOIN known ON known.kind = 'contact_id' AND known.source = deal.source AND known.account_id = deal.account_id
        AND known.value = deal.contact_id
)
SELECT 'deal_id' AS kind, source, account_id, deal_id AS value FROM own
UNION
SELECT 'deal_number', '', '', deal_id FROM own
