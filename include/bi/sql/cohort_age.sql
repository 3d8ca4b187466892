-- One row per month of first purchase and complete month since, under the names that a pivot shows.
select
    cohort_month, substr(cast(cohort_month as varchar), 1, 7) as "First bought in", months_since as "Months since", customers, ltv_observed_base,
    is_complete
from cohort
