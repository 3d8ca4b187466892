-- What was found about a combination of tags, written to every visit that has it. Combinations are unique.
update {{ table }} as visit
set {% for column in columns %}{{ column }} = verdict.{{ column }}{{ ", " if not loop.last }}{% endfor %}
from {{ verdicts }} as verdict
where verdict.combination = {{ combination }}
