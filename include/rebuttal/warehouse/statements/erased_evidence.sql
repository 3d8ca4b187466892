-- What was kept about these rows.
delete from {{ table }}
where exists (
    select 1 from {{ told }} as told
    where told.batch_id = {{ table }}.batch_id and cast(told.row_number as bigint) = {{ table }}.row_number
)
