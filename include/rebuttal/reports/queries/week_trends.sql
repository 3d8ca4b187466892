-- What the week is for each theme beside its own weekly noise: new, rising, falling, steady, too little to tell.
-- Grain: category, theme.
SELECT category, theme, trend
FROM marts.theme_trend
WHERE week_start = :week
