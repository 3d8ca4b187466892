-- Makes {{ table }} hold what {{ resolved }} holds, writing only what differs. The last statement's count is not the whole.
delete from {{ table }} as stored where not exists (
    select 1 from {{ resolved }} as found
    where {% for column in columns %}{% if not loop.first %} and {% endif %}found.{{ column }} = stored.{{ column }}{% endfor %}
);

insert into {{ table }} ({{ columns | join(", ") }})
select {{ columns | join(", ") }} from {{ resolved }} as found where not exists (
    select 1 from {{ table }} as stored
    where {% for column in columns %}{% if not loop.first %} and {% endif %}found.{{ column }} = stored.{{ column }}{% endfor %}
)
