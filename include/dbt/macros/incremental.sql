{#-
  Work grows with the persons whose input changed, not with history. The runner finds these persons and keeps them in
  ops.changed_person until the build is published; '' among them stands for rows of nobody. A model that goes by person
  forgets their rows and makes them again (advertisements go by day instead):

      config(materialized='incremental', incremental_strategy='append', pre_hook="{{ forget_changed('person_id') }}")

  Credit goes by what it is added up by: `int_attribution_unit` says which sums a person's credit is in, and the runner
  puts those of changed persons, as they were and as they are, beside the persons (see journeys/changes.py). Where
  the unit is longer than a column it stands in the model's `meta`:

      config(..., meta={'unit': attribution_unit()}, pre_hook="{{ forget_changed(model.config.meta.unit) }}")
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

{#- For pre_hook of a model that is read while it is built and never again: a refresh keeps no row of it. -#}
{% macro forget_all() -%}
    {% if is_incremental() -%}
    delete from {{ this }}
    {%- endif %}
{%- endmacro %}

{#-
  A model that goes by person, where only rows that this build makes are looked at: in a refresh the runner reads them
  where it has just made them, instead of looking for them among all rows. The condition stays: it says what is meant.
-#}
{% macro made(relation) -%}
    {{ relation }}{% if is_incremental() %} /* made */{% endif %}
{%- endmacro %}

{#- Advertisements are nobody's: they are made again by day. As in journeys/sql/input/ad_performance.sql. -#}
{% macro ad_day(report_date) -%}
    'day:' || cast({{ report_date }} as {{ dbt.type_string() }})
{%- endmacro %}

{#- By what a model is made again, as its pre-hook says; none for models that are always made whole. -#}
{% macro unit_of(model_name) -%}
    {%- set node = graph.nodes.get('model.' ~ project_name ~ '.' ~ model_name) -%}
    {%- if node and node.config.materialized == 'incremental' -%}
        {%- if node.config.meta.unit -%}{{ return(node.config.meta.unit) }}{%- endif -%}
        {%- for hook in node.config.get('pre-hook') or node.config.get('pre_hook') or [] -%}
            {%- set found = modules.re.search("forget_changed\('([^']+)'\)", hook.sql if hook.sql is defined else hook) -%}
            {%- if found %}{{ return(found.group(1)) }}{% endif -%}
        {%- endfor -%}
    {%- endif -%}
    {{ return(none) }}
{%- endmacro %}

{#-
  What a generic test looks at. After an incremental build the rows that were not made again were tested when they were
  made: only rows made again are looked at, and for uniqueness all rows that have one of their keys. What asks for sums
  and counts looks at whole tables, so a row that was forgotten or left over shows all the same. Where the runner
  reads rows where it has made them, it need not ask which those are: that condition stands between two marks.
-#}
{% macro get_where_subquery(relation) -%}
    {%- set where = config.get('where', '') -%}
    {%- set test = model.test_metadata -%}
    {%- set unit = unit_of(relation.identifier) if execute and not flags.FULL_REFRESH and test.name not in ('same_row_count', 'same_sum', 'money_is_whole', 'credits_in_every_view') else none -%}
    {%- if unit -%}
        {%- set looked_at = relation ~ ' /* made */' -%}
        {%- set made = "/* if not made */ coalesce(" ~ unit ~ ", '') in (select person_id from " ~ source('ops', 'changed_person') ~ ") /* then */" -%}
        {#- A unit that stands in `meta` is made of the row's key: nobody else's row can have the same key. -#}
        {%- if test.name in ('unique', 'unique_together') and not graph.nodes['model.' ~ project_name ~ '.' ~ relation.identifier].config.meta.unit -%}
            {%- set columns = [] -%}
            {%- for column in test.kwargs.get('columns') or [test.kwargs.column_name] -%}
                {%- do columns.append('cast(' ~ column ~ ' as ' ~ dbt.type_string() ~ ')') -%}
            {%- endfor -%}
            {%- set key = joined(columns, 'chr(31)') -%}
            {%- set made = key ~ " in (select " ~ key ~ " from " ~ looked_at ~ " where " ~ made ~ ")" -%}
            {%- set looked_at = relation -%}
        {%- endif -%}
        {%- set where = (where ~ ' and ' if where else '') ~ made -%}
    {%- endif -%}
    {%- if where -%}
        {{ return("(select * from " ~ (looked_at or relation) ~ " where " ~ where ~ ") as dbt_subquery") }}
    {%- else -%}
        {{ return(relation) }}
    {%- endif -%}
{%- endmacro %}
