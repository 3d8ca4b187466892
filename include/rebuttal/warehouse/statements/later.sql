-- Keys that a batch of the same stream, landed later and already admitted, has told about. Needed only when a batch is
-- admitted out of turn (a released hold or quarantine): what was landed later is the newer knowledge.
create temporary table {{ later }} as
select distinct landed._key
{% include '_admitted_rows.sql' %}
    and batch.sequence > {{ sequence }}
