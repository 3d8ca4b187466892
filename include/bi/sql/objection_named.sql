-- Objections with the names of their themes; one row per objection, as the mart.
select
    objection.objection_id, objection.subject_id, objection.category, objection.theme,
    coalesce(theme.name_en, objection.theme) as theme_title, objection.first_voiced_at, objection.week_start,
    objection.quote, objection.language, objection.money_at_risk_base, objection.stage, objection.channel,
    objection.outcome, objection.product
from objection
left join theme on theme.category = objection.category and theme.theme = objection.theme
