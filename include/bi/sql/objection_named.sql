-- Objections with the names of their themes; one row per objection, as the mart. money_of_doubt: the deal's amount, at the
-- first of its themes of a category alone: a deal counts once in a doubt, however many themes of it were voiced.
select
    objection.objection_id, objection.subject_id, objection.category, objection.theme,
    coalesce(theme.name_en, objection.theme) as theme_title, objection.first_voiced_at, objection.week_start,
    objection.quote, objection.language, objection.money_at_risk_base,
    case
        when row_number() over (
            partition by objection.subject_id, objection.category
            order by objection.first_voiced_at, objection.objection_id
        ) = 1 and coalesce(objection.outcome, '') <> 'won'
            then objection.money_at_risk_base
    end as money_of_doubt,
    objection.stage, objection.channel,
    coalesce(objection.outcome, 'no deal') as outcome, objection.product,
    objection.first_voiced_at >= newest.first_voiced_at - interval '28' day as is_recent
from objection
cross join (select max(first_voiced_at) as first_voiced_at from objection) as newest
left join theme on theme.category = objection.category and theme.theme = objection.theme
