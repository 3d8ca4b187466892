-- The newest complete week of each theme's trend; one row per theme that is heard at all.
select
    trend.week_start, trend.category, coalesce(theme.name_en, trend.theme) as theme_title, trend.trend,
    trend.subject_count, trend.expected, theme.subject_count as subject_count_ever, theme.quote
from theme_trend as trend
left join theme on theme.category = trend.category and theme.theme = trend.theme
where trend.week_start = (select max(week_start) from theme_trend)
