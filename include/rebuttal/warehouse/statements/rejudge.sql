-- Visits judged again: what is now found about a combination of tags, written to the visits where it differs from what
-- stands there. Raw values stay. Combinations are unique.
update core.visit as visit
set {% for column in columns %}{{ column }} = verdict.{{ column }}{{ ", " if not loop.last }}{% endfor %}
from {{ verdicts }} as verdict
where verdict.combination = {{ combination }}
    and ({% for column in columns %}{% if not loop.first %} or {% endif -%}
        visit.{{ column }} is distinct from verdict.{{ column }}{% endfor %})
