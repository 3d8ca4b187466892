{#-
  Whether a visit only goes on with the last one of the same device: it begins within the session's pause after that
  one's end, and came by no other way. Tools cut sessions at midnight of the property's time zone; instants are UTC, so
  no time zone matters here.
-#}
{% macro continues_visit(visit) -%}
    coalesce(
        {{ visit }}.client_id <> ''
        and {{ days_between(visit ~ '.last_started_at', visit ~ '.started_at') }} * 1440
            <= {{ var('session_pause_minutes') }} + coalesce({{ visit }}.last_duration_seconds, 0) / 60.0
        and {{ visit }}.click is null
        and (
            {{ visit }}.origin_id = {{ visit }}.last_origin_id
            or (coalesce({{ visit }}.utm_source, '') = '' and coalesce({{ visit }}.referrer, '') = '')
        ),
        false
    )
{%- endmacro %}
