-- One row per {{ child }} whose {{ column }} is not in core.{{ parent }}. The newest day is left out (what it refers to may
-- not be pulled yet), so are merged and erased records.
select child.source, child.account_id, {% for name in key %}child.{{ name }}, {% endfor %}child.{{ column }},
    '{{ child }} ' || cast(child.{{ key[-1] }} as text) || ' refers to {{ parent }} ' || child.{{ column }} as example
from core.{{ child }} as child
left join core.{{ parent }} as parent on parent.{{ parent_column }} = child.{{ column }}
    {%- if same_account %} and parent.source = child.source and parent.account_id = child.account_id{% endif %}
where child.{{ column }} is not null and parent.{{ parent_column }} is null
    {%- if deletable %} and not coalesce(child.is_deleted, false){% endif %}
    and child.{{ at }} < (select max({{ at }}) from core.{{ child }}) - interval '1 day'
    {%- if is_windowed %}
    and child.{{ at }} >= (select max({{ at }}) from core.{{ child }}) - interval '{{ days }} days'
    {%- endif %}
    and exists (select 1 from core.{{ parent }}{% if same_account %} as any_ where any_.source = child.source{% endif %})
    {%- if parent == "contact" %}
    and child.{{ column }} not in (select identifier from ops.suppression)
    and not exists (
        select 1 from ops.merged_record as merged where merged.entity = 'contact' and merged.source = child.source
            and merged.account_id = child.account_id and merged.record_id = child.{{ column }}
    )
    {%- endif %}
