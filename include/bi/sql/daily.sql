-- One row per day (UTC), up to the last day that visits, advertising and sales have in common.
select date_day as day, visits, leads, deals_created, deals_won, deals_lost, revenue_base
from kpi_daily
where date_day < (select min(until_date) from source_window) and date_day >= (select max(first_date) from source_window)
