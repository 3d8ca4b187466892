-- The first day from which visits and advertisements are both known. Grain: one row.
SELECT max(first_date) AS begins FROM marts.source_window WHERE family IN ('ads', 'visits')
