{#-
  What engines spell differently stands here and nowhere else; models are written once for all. DuckDB and Postgres are
  run in tests; of the others it is tested that they can read what is compiled.
-#}

{#- The host of an address without `www.`, lower case; NULL when there is none. -#}
{% macro host_of(url) -%}
    {{ adapter.dispatch('host_of')(url) }}
{%- endmacro %}

{% macro default__host_of(url) -%}
    nullif(regexp_extract(lower({{ url }}), '^[a-z][a-z0-9+.-]*://(?:[^/@]*@)?(?:www[.])?([^/:?#]+)', 1), '')
{%- endmacro %}

{% macro postgres__host_of(url) -%}
    nullif(substring(lower({{ url }}) from '^[a-z][a-z0-9+.-]*://(?:[^/@]*@)?(?:www[.])?([^/:?#]+)'), '')
{%- endmacro %}

{% macro snowflake__host_of(url) -%}
    nullif(regexp_substr(lower({{ url }}), '^[a-z][a-z0-9+.-]*://([^/@]*@)?(www[.])?([^/:?#]+)', 1, 1, 'e', 3), '')
{%- endmacro %}

{#- Exactly one group is what these two take: user names in addresses are not looked for. -#}
{% macro bigquery__host_of(url) -%}
    nullif(regexp_extract(lower({{ url }}), '^[a-z][a-z0-9+.-]*://(?:www[.])?([^/:?#]+)'), '')
{%- endmacro %}

{% macro clickhouse__host_of(url) -%}
    nullif(extract(lower({{ url }}), '^[a-z][a-z0-9+.-]*://(?:www[.])?([^/:?#]+)'), '')
{%- endmacro %}

{#- Times mean the same everywhere, whatever the session's time zone is. -#}
{% macro utc(column) -%}
    {{ adapter.dispatch('utc')(column) }}
{%- endmacro %}

{% macro default__utc(column) -%}
    ({{ column }} at time zone 'UTC')
{%- endmacro %}

{#- `at time zone` asks a calendar about every row: six times as dear. -#}
{% macro duckdb__utc(column) -%}
    make_timestamp(epoch_us({{ column }}))
{%- endmacro %}

{#- The UTC date of an instant. -#}
{% macro utc_date(column) -%}
    cast({{ utc(column) }} as date)
{%- endmacro %}

{#- The Monday of the week of a date or a timestamp without zone. -#}
{% macro monday(expression) -%}
    cast(date_trunc('week', {{ expression }}) as date)
{%- endmacro %}

{#- The Monday (UTC) of the week of an instant. -#}
{% macro week_start(column) -%}
    {{ monday(utc(column)) }}
{%- endmacro %}

{#- Days from one instant to a later one, as a fraction. -#}
{% macro days_between(earlier, later) -%}
    (cast(extract(epoch from {{ later }}) - extract(epoch from {{ earlier }}) as double precision) / 86400)
{%- endmacro %}

{#- The path of an address without its query; NULL when there is none. -#}
{% macro path_of(url) -%}
    {{ adapter.dispatch('path_of')(url) }}
{%- endmacro %}

{% macro default__path_of(url) -%}
    nullif(regexp_extract({{ url }}, '^[A-Za-z][A-Za-z0-9+.-]*://[^/?#]+(/[^?#]*)', 1), '')
{%- endmacro %}

{% macro postgres__path_of(url) -%}
    nullif(substring({{ url }} from '^[A-Za-z][A-Za-z0-9+.-]*://[^/?#]+(/[^?#]*)'), '')
{%- endmacro %}

{#- Microseconds since 1970, a whole number. -#}
{% macro microseconds(instant) -%}
    {{ adapter.dispatch('microseconds')(instant) }}
{%- endmacro %}

{% macro default__microseconds(instant) -%}
    epoch_us({{ instant }})
{%- endmacro %}

{% macro postgres__microseconds(instant) -%}
    cast(extract(epoch from {{ instant }}) * 1000000 as bigint)
{%- endmacro %}

{#- Sixty bits of the md5 of a text, a whole number that is the same on every engine. -#}
{% macro text_key(text) -%}
    {{ adapter.dispatch('text_key')(text) }}
{%- endmacro %}

{% macro default__text_key(text) -%}
    cast(concat('0x', left(md5({{ text }}), 15)) as bigint)
{%- endmacro %}

{% macro postgres__text_key(text) -%}
    cast(cast(concat('x', left(md5({{ text }}), 15)) as bit(60)) as bigint)
{%- endmacro %}

{#- Sixty-four bits of some texts to tell them apart by within one query; each engine has its own. Of a million, two have the same once in 37 million queries. -#}
{% macro text_hash(columns) -%}
    {{ adapter.dispatch('text_hash')(columns) }}
{%- endmacro %}

{% macro default__text_hash(columns) -%}
    {{ text_key('concat(' ~ columns | join(', chr(9), ') ~ ')') }}
{%- endmacro %}

{% macro duckdb__text_hash(columns) -%}
    hash({{ columns | join(', ') }})
{%- endmacro %}

{% macro postgres__text_hash(columns) -%}
    hashtextextended(concat({{ columns | join(', chr(9), ') }}), 0)
{%- endmacro %}

{#- The type of whole numbers of 38 digits. -#}
{% macro whole_number() -%}
    {{ adapter.dispatch('whole_number')() }}
{%- endmacro %}

{% macro default__whole_number() -%}
    numeric(38, 0)
{%- endmacro %}

{#- Multiplied and added up in half the time of a decimal. -#}
{% macro duckdb__whole_number() -%}
    hugeint
{%- endmacro %}

{#- The column that says where a row lies, for as long as the transaction lasts. -#}
{% macro row_place() -%}
    {{ adapter.dispatch('row_place')() }}
{%- endmacro %}

{% macro default__row_place() -%}
    rowid
{%- endmacro %}

{% macro postgres__row_place() -%}
    ctid
{%- endmacro %}
