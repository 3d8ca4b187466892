{#-
  Work grows with the persons whose input changed, not with history. The runner finds these persons and keeps them in
  ops.changed_person until the build is published; '' among them stands for rows of nobody. A model that goes by person
  forgets their rows and makes them again:

      config(materialized='incremental', incremental_strategy='append', pre_hook="{{ forget_changed('person_id') }}")
-#}

{#- For pre_hook: delete the rows of changed persons from what stands. Does nothing in a full build. -#}
{% macro forget_changed(person_column) -%}
    {% if is_incremental() -%}
    delete from {{ this }} where coalesce({{ person_column }}, '') in (select person_id from {{ source('ops', 'changed_person') }})
    {%- endif %}
{%- endmacro %}

{#- A condition that goes after another one: only rows of changed persons, and all rows in a full build. -#}
{% macro only_changed(person_column) -%}
    {% if is_incremental() -%}
    and coalesce({{ person_column }}, '') in (select person_id from {{ source('ops', 'changed_person') }})
    {%- endif %}
{%- endmacro %}
