-- What was found about each combination of tags, from a bound JSON list. Grain: one row per combination.
create {{ scratch }} {{ table }} ({% for column in columns %}{{ column }} text{{ ", " if not loop.last }}{% endfor %});

insert into {{ table }} select {{ columns | join(", ") }} from {{ verdicts }} as found
