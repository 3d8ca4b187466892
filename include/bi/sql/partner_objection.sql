-- Objections of a partner's own customers.
select partner_id as partner, category, first_voiced_at, week_start, quote, money_at_risk_base
from objection
where partner_id is not null
