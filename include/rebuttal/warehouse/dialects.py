"""The few pieces of SQL that DuckDB and Postgres spell differently. Everything else is written once for both.

All methods take and give SQL text; nothing here ever holds data of a row. Patterns are anchored (`^...$`) wherever
they are matched with `~`, because DuckDB's `~` wants the whole text and Postgres' finds a part.
"""

from __future__ import annotations

from typing import Protocol

from sqlalchemy import Connection, Engine, text

NUMBER = "^[+-]?([0-9]{1,30}[.]?[0-9]{0,30}|[.][0-9]{1,30})([eE][+-]?[0-9]{1,2})?$"


class Dialect(Protocol):
    """How one engine says it."""

    collation: str
    """Put after a text expression whose order matters: bytes, whatever the database's locale."""
    scratch: str
    """`CREATE <scratch> name AS ...` for a table that need not survive a crash."""
    staged: str
    """`CREATE <staged> name AS ...` for a batch in its types: a view where that costs less."""
    place: str
    """The column that says where a row lies, for as long as the transaction lasts."""
    no_place: str
    """No such place."""
    whole_division: str
    """The operator that divides integers and drops the rest."""

    def cast(self, expression: str, kind: str) -> str:
        """`expression` (text, matched by a pattern before) as `kind`."""

    def try_cast(self, expression: str, kind: str) -> str:
        """`expression` (text) as `kind`, NULL where it is none."""

    def at_utc(self, expression: str) -> str:
        """A timestamp without zone, in UTC, as a timestamp with time zone."""

    def fingerprint(self, columns: tuple[str, ...]) -> str:
        """What to group by to look for equal rows: equal where all columns are, and seldom else."""

    def found(self, expression: str, pattern: str) -> str:
        """The first group of `pattern` in `expression`, NULL where it is not found."""

    def url_decoded(self, expression: str) -> str:
        """Percent signs and plus signs undone; the text itself where they are broken."""

    def json_valid(self, expression: str) -> str:
        """Whether the text is JSON."""

    def json_text(self, expression: str, path: str) -> str:
        """Member `path` (a key, or an array index in digits) of JSON text, as text; NULL where it is absent."""

    def json_object(self, **members: str) -> str:
        """A JSON object, as text, of SQL expressions by name."""

    def row_json(self, alias: str) -> str:
        """The whole row `alias` as JSON text."""

    def epoch_us(self, expression: str) -> str:
        """Microseconds since 1970 of a timestamp with time zone."""

    def number_of(self, *texts: str) -> str:
        """A whole number from 0 on, of 63 bits, that tells such texts apart. Each engine and version has its own."""

    def records(self, parameter: str, columns: tuple[str, ...]) -> str:
        """A FROM item giving text `columns` from the bound JSON array of objects `parameter`."""


class DuckDB:
    """DuckDB 1.5."""

    collation = ""
    scratch = "table"
    staged = "view"
    place = "rowid"
    no_place = "cast(null as bigint)"
    whole_division = "//"

    def cast(self, expression: str, kind: str) -> str:
        return self.try_cast(expression, kind)  # DuckDB may evaluate a CASE branch for rows that do not take it

    def try_cast(self, expression: str, kind: str) -> str:
        return f"try_cast({expression} as {kind})"

    def at_utc(self, expression: str) -> str:
        return f"make_timestamptz(epoch_us({expression}))"  # AT TIME ZONE asks a calendar of every row

    def fingerprint(self, columns: tuple[str, ...]) -> str:
        return f"hash({', '.join(columns)})"  # a number is grouped faster than texts

    def found(self, expression: str, pattern: str) -> str:
        return f"nullif(regexp_extract({expression}, '{pattern}', 1), '')"

    def url_decoded(self, expression: str) -> str:
        return f"coalesce(try(url_decode(replace({expression}, '+', ' '))), {expression})"

    def json_valid(self, expression: str) -> str:
        return f"coalesce(json_valid({expression}), false)"

    def json_text(self, expression: str, path: str) -> str:
        where = f"$[{path}]" if path.isdigit() else f'$."{path}"'
        return f"case when json_valid({expression}) then json_extract_string({expression}, '{where}') end"

    def json_object(self, **members: str) -> str:
        return f"cast(json_object({_pairs(members)}) as varchar)"

    def row_json(self, alias: str) -> str:
        return f"cast(to_json({alias}) as varchar)"

    def epoch_us(self, expression: str) -> str:
        return f"epoch_us({expression})"

    def number_of(self, *texts: str) -> str:
        return f"cast(hash({', '.join(texts)}) >> 1 as bigint)"

    def records(self, parameter: str, columns: tuple[str, ...]) -> str:
        shape = ", ".join(f'"{name}": "varchar"' for name in columns)
        fields = ", ".join(f"item.{name} as {name}" for name in columns)
        return f"(select {fields} from (select unnest(from_json({parameter}, '[{{{shape}}}]')) as item) as items)"


class Postgres:
    """PostgreSQL 16 and later (`pg_input_is_valid`)."""

    collation = ' collate "C"'
    scratch = "unlogged table"
    staged = "unlogged table"
    place = "ctid"
    no_place = "cast(null as tid)"
    whole_division = "/"

    def cast(self, expression: str, kind: str) -> str:
        return f"cast({expression} as {kind})"

    def try_cast(self, expression: str, kind: str) -> str:
        return f"case when pg_input_is_valid({expression}, '{kind}') then cast({expression} as {kind}) end"

    def at_utc(self, expression: str) -> str:
        return f"({expression}) at time zone 'UTC'"

    def fingerprint(self, columns: tuple[str, ...]) -> str:
        return ", ".join(columns)

    def found(self, expression: str, pattern: str) -> str:
        return f"nullif(substring({expression} from '{pattern}'), '')"

    def url_decoded(self, expression: str) -> str:
        return f"gate.url_decoded({expression})"

    def json_valid(self, expression: str) -> str:
        return f"coalesce(pg_input_is_valid({expression}, 'jsonb'), false)"

    def json_text(self, expression: str, path: str) -> str:
        member = path if path.isdigit() else f"'{path}'"
        return f"case when pg_input_is_valid({expression}, 'jsonb') then cast({expression} as jsonb) ->> {member} end"

    def json_object(self, **members: str) -> str:
        return f"cast(json_build_object({_pairs(members)}) as text)"

    def row_json(self, alias: str) -> str:
        return f"cast(to_jsonb({alias}) as text)"

    def epoch_us(self, expression: str) -> str:
        return f"cast(extract(epoch from {expression}) * 1000000 as bigint)"

    def number_of(self, *texts: str) -> str:
        return f"(hashtextextended(concat({', chr(31), '.join(texts)}), 0) & 9223372036854775807)"

    def records(self, parameter: str, columns: tuple[str, ...]) -> str:
        shape = ", ".join(f"{name} text" for name in columns)
        return f"(select * from jsonb_to_recordset(cast({parameter} as jsonb)) as item({shape}))"


def _pairs(members: dict[str, str]) -> str:
    return ", ".join(f"'{name}', {expression}" for name, expression in members.items())


_URL_DECODED = """
create function gate.url_decoded(value text) returns text language plpgsql immutable strict as $$
begin
    return convert_from(decode(coalesce((
        select string_agg(
            case when part[1] like '\\%__' then substr(part[1], 2)
                else encode(convert_to(part[1], 'UTF8'), 'hex') end, '')
        from regexp_matches(replace(value, '+', ' '), '%[0-9a-fA-F]{2}|[^%]+|%', 'g') as part), ''), 'hex'), 'UTF8');
exception when others then
    return value;
end $$
"""


def escaped(expression: str) -> str:
    """SQL text for `sqlalchemy.text`: a colon in it is no parameter."""
    return expression.replace(":", "\\:").replace("\\:\\:", "::")


def quoted(value: str) -> str:
    """A text literal, for statements that take no bound parameters (CREATE TABLE AS); for `sqlalchemy.text`."""
    return "'" + value.replace("'", "''").replace(":", "\\:") + "'"


def dialect_of(engine: Engine | Connection) -> Dialect:
    """The dialect of an engine or connection."""
    return DuckDB() if engine.dialect.name == "duckdb" else Postgres()


def install(connection: Connection) -> None:
    """Create what a dialect needs inside the database, where it is missing."""
    if connection.dialect.name != "postgresql":
        return
    if connection.execute(text("select to_regprocedure('gate.url_decoded(text)')")).scalar() is None:
        connection.exec_driver_sql(_URL_DECODED, execution_options={"no_parameters": True})
