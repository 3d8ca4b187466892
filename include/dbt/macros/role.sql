{#- Where in a journey a declared role is expected to stand. -#}
{% macro expected_place(role) -%}
    case {{ role }}
        when 'introduce' then 'opener'
        when 'explain' then 'assist'
        when 'relieve a worry' then 'assist'
        when 'help decide' then 'closer'
        when 'stay in memory' then 'after_sale'
    end
{%- endmacro %}
