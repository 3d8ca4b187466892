-- How many rows one of the two tables has and the other has not.
select (select count(*) from (
        select {{ columns | join(", ") }} from {{ resolved }} except select {{ columns | join(", ") }} from {{ table }}
    ) as missing)
    + (select count(*) from (
        select {{ columns | join(", ") }} from {{ table }} except select {{ columns | join(", ") }} from {{ resolved }}
    ) as surplus)
