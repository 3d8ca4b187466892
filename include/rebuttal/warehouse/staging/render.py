"""Rendering a staging file for one batch, and creating the scratch view or table that the gate and the merge read.

It has `source, account_id`, the entity's columns in their declared types, `batch_id, row_hash`, and
`_row, _key, _defect` of landing, and `_unreadable`: which vendor fields held a text that is not of its type, as
`field=text; field=text`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from zoneinfo import available_timezones

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template, TemplateNotFound
from sqlalchemy import Connection, text

from rebuttal.errors import StoreError
from rebuttal.warehouse import sql
from rebuttal.warehouse.batches import Batch
from rebuttal.warehouse.dialects import NUMBER, Dialect, dialect_of, quoted
from rebuttal.warehouse.entities import ENTITIES, UTM_FOUND, Entity
from rebuttal.warehouse.promote import columns_of
from rebuttal.warehouse.suppression.names import ERASED

_FILES = Environment(  # the files are SQL: nothing to escape, and no data is ever rendered
    loader=FileSystemLoader(Path(__file__).parent),
    undefined=StrictUndefined,
    autoescape=False,
)
_WHOLE = "^[+-]?[0-9]{1,18}([.]0+)?$"
_MICROS = "^[+-]?[0-9]{1,17}$"
_DECIMAL = "^[+-]?[0-9]{1,12}([.][0-9]{1,12})?$"
_CLOCK = "([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]([.][0-9]{1,6})?"
_DAY = "[0-9]{4}-[0-9]{2}-[0-9]{2}"
_INSTANT = f"^{_DAY}[T ]{_CLOCK}(Z|[+]00|[+-][0-9]{{2}}:[0-9]{{2}})$"
_LOCAL = f"^{_DAY}[T ]{_CLOCK}$"
_TRUE, _FALSE = ("'true'", "'1'", "'t'", "'yes'"), ("'false'", "'0'", "'f'", "'no'")
_SHOWN = 60
_ZONES = 50  # that the rows of one batch may name
_STAYS = f"_defect is distinct from {quoted(ERASED)}"


@dataclass(frozen=True)
class Staged:
    """A batch in its types, `table`; `missing` are declared vendor columns that landing does not have.

    `written` is the FROM item of what reaches core: `table`, or `table` with what was found out about its rows.
    """

    batch: Batch
    table: str
    missing: tuple[str, ...]
    row_count: int
    found: str = ""
    beside: tuple[str, ...] = ()  # scratch tables that `found` joins
    erased_count: int = 0  # further rows of the batch, emptied because their person was erased: nothing to check

    @property
    def tables(self) -> tuple[str, ...]:
        """Its scratch view or table, and those beside it."""
        return (self.table, *self.beside)

    @property
    def written(self) -> str:
        """The FROM item that has all columns of the entity."""
        return self.found or self.table

    @property
    def entity(self) -> Entity:
        """The entity that the batch feeds."""
        return ENTITIES[self.batch.entity]


class Fields:
    """What a staging file calls: each method gives the SQL of one column from one vendor field of landing.

    An empty text is NULL. A text that is not of the wanted type gives NULL and is reported in `_unreadable`, never
    guessed. A field that landing does not have is NULL and reported in `missing`.
    """

    def __init__(
        self, dialect: Dialect, present: frozenset[str], rows: str, words_in: Callable[[str], list[str]]
    ) -> None:
        """`rows` is the FROM item of the batch's landed rows, `present` the columns that it has, `words_in` gives the
        different values of a column."""
        self.dialect = dialect
        self.present = present
        self.missing: list[str] = []
        self._rows = rows
        self._parsed: dict[str, str] = {}
        self._words_in = words_in
        self._typed: dict[str, str] = {}

    def text(self, field: str) -> str:
        """The text as it came."""
        if field in self.present:
            return f"nullif(landed.{field}, '')"
        if field not in self.missing:
            self.missing.append(field)
        return "cast(null as text)"

    def integer(self, field: str) -> str:
        """A whole number; `12.0` is one, `1e3` and `1,000` are not."""
        return self._matched(
            field, _WHOLE, self.dialect.cast(f"split_part(trim({self.text(field)}), '.', 1)", "bigint")
        )

    def real(self, field: str) -> str:
        """A finite number."""
        return self._matched(field, NUMBER, self.dialect.cast(f"trim({self.text(field)})", "double precision"))

    def decimal(self, field: str) -> str:
        """An exact amount in units, with a point."""
        return self._matched(field, _DECIMAL, self.dialect.cast(f"trim({self.text(field)})", "decimal(24, 12)"))

    def micros(self, field: str) -> str:
        """An exact amount that came in millionths."""
        return self._matched(
            field, _MICROS, self.dialect.cast(f"trim({self.text(field)})", "decimal(18, 0)") + " * 0.000001"
        )

    def seconds_of_ms(self, field: str) -> str:
        """Whole seconds of a duration in milliseconds."""
        return f"({self.integer(field)}) {self.dialect.whole_division} 1000"

    def boolean(self, field: str) -> str:
        """True or false in the words vendors use."""
        word = f"lower(trim({self.text(field)}))"
        return self._checked(
            field,
            f"case when {word} in ({', '.join(_TRUE)}) then true when {word} in ({', '.join(_FALSE)}) then false end",
        )

    def day(self, field: str) -> str:
        """A calendar day, `2026-11-01` or `20261101`, as the account counts days."""
        value = self.text(field)
        dashed = f"substr({value}, 1, 4) || '-' || substr({value}, 5, 2) || '-' || substr({value}, 7, 2)"
        day = f"case when {value} ~ '^[0-9]{{8}}$' then {dashed} when {value} ~ '^{_DAY}$' then {value} end"
        return self._checked(field, self.dialect.try_cast(f"({day})", "date"))

    def instant(self, field: str) -> str:
        """A moment with its offset from UTC (ISO 8601)."""
        value = f"(case when {self.text(field)} ~ '{_INSTANT}' then {self.text(field)} end)"
        return self._checked(field, self.dialect.try_cast(value, "timestamp with time zone"))

    def local(self, field: str, zone_field: str, unsaid: str) -> str:
        """A wall-clock time as a moment, in the IANA zone that the row names; `unsaid` is that of rows that name none.

        A time that the clocks skip or repeat is read with standard time; in a zone that there is not, none is.
        """
        moment = f"({self._wall_clock(field)})"
        if zone_field not in self.present:
            return self._checked(field, f"{moment} at time zone '{unsaid}'")
        # A zone for each row would cost the engines more than all else; a batch has one or two.
        known = [zone for zone in self._words_in(zone_field) if zone in available_timezones()]
        said = "".join(f" when {quoted(zone)} then {moment} at time zone {quoted(zone)}" for zone in known)
        return self._checked(
            field,
            f"case coalesce({self.text(zone_field)}, '') when '' then {moment} at time zone '{unsaid}'{said} end",
        )

    def ahead_of_utc(self, field: str, hours: int) -> str:
        """A wall-clock time that is always `hours` ahead of UTC, whatever the field's name promises."""
        return self._checked(field, self.dialect.at_utc(f"({self._wall_clock(field)}) - interval '{hours} hours'"))

    def known(self, field: str, *words: str) -> str:
        """One of `words`; any other becomes `unknown:<text>`, a bucket that is seen and never guessed away."""
        listed = ", ".join(f"'{word}'" for word in words)
        value = self.text(field)
        return f"case when lower({value}) in ({listed}) then lower({value}) else 'unknown:' || {value} end"

    def url_parameter(self, *fields: str, name: str) -> str:
        """The first query parameter `name` in the given fields, byte for byte (click ids)."""
        pattern = f"(?:^|[?&]){name}=([^&#]*)"
        found = [self.dialect.found(self.text(field), pattern) for field in fields]
        return found[0] if len(found) == 1 else f"coalesce({', '.join(found)})"

    def url_tag(self, *fields: str, name: str) -> str:
        """The same with percent signs undone (UTM tags)."""
        return self.dialect.url_decoded(self.url_parameter(*fields, name=name))

    def url_path(self, field: str) -> str:
        """The path of an address, without host, query and fragment; `/` when there is none."""
        value = self.text(field)
        path = self.dialect.found(value, "^(?:[A-Za-z][A-Za-z0-9+.-]*://[^/?#]*)?([^?#]*)")
        return f"case when {value} is not null then coalesce({path}, '/') end"

    def member(self, field: str, path: str) -> str:
        """A member (key, or index in digits) of a JSON field, as text."""
        self._checked(field, f"case when {self.dialect.json_valid(self.text(field))} then 1 end")
        return f"nullif({self.dialect.json_text(self.text(field), path)}, '')"

    @property
    def landing(self) -> str:
        """The columns every file begins with."""
        return "landed._row, landed._key, landed._row_hash, landed._defect"

    def unreadable(self) -> str:
        """The column `_unreadable`: which fields held a text that is not of their type."""
        if not self._typed:
            return "null as _unreadable"
        broken = {field: f"{self.text(field)} is not null and landed._typed_{field} is null" for field in self._typed}
        told = [
            f"case when {is_so} then '{field}=' || substr({self.text(field)}, 1, {_SHOWN}) end"
            for field, is_so in broken.items()
        ]
        # The outer CASE spares all rows that are well, nearly all of them, the putting together of texts.
        return f"case when {' or '.join(broken.values())} then concat_ws('; ', {', '.join(told)}) end as _unreadable"

    def landed(self) -> str:
        """The batch's rows, every checked field already in its type; it knows the fields called before it."""
        rows = self._rows
        for prefix, added in (("_parsed_", self._parsed), ("_typed_", self._typed)):
            if added:
                columns = "".join(f",\n        {expression} as {prefix}{field}" for field, expression in added.items())
                rows = f"(\n    select landed.*{columns}\n    from {rows} as landed\n)"
        return f"{rows} as landed"

    def _wall_clock(self, field: str) -> str:
        """A timestamp without zone. What is written as the engine itself would write it needs no pattern, which costs
        more than reading it.
        """
        value = self.text(field)
        if field not in self.present:
            return f"cast({value} as timestamp)"
        self._parsed[field] = self.dialect.try_cast(value, "timestamp")
        parsed = f"landed._parsed_{field}"
        usual = f"length({value}) = 19 and cast({parsed} as text) = {value}"
        return f"case when {usual} then {parsed} when {value} ~ '{_LOCAL}' then {parsed} end"

    def _matched(self, field: str, pattern: str, cast: str) -> str:
        return self._checked(field, f"case when trim({self.text(field)}) ~ '{pattern}' then {cast} end")

    def _checked(self, field: str, typed: str) -> str:
        if field not in self.present:
            return typed
        self._typed[field] = typed
        return f"landed._typed_{field}"


def stage(connection: Connection, batch: Batch, rows: str = "") -> Staged:
    """Create the scratch view or table of `batch`; `rows` may narrow it (SQL over `landed`), for a release.

    Rows that landing repeats after a crash are taken once. Raises StoreError when the landing table is missing.
    """
    columns = _landed_columns(connection, batch)
    landed, count = _landed_rows(connection, batch, rows)
    select, missing = _typed(connection, batch, columns, landed)
    table = f"gate.staged_{batch.sequence}"
    sql.drop(connection, table)
    connection.execute(text(f"create {dialect_of(connection).staged} {table} as {select}"))
    return Staged(batch, table, missing, count, erased_count=0 if rows else _erased_count(connection, batch))


def narrowed(connection: Connection, staged: Staged, rows: str) -> str:
    """A FROM item like `staged.table` of the few rows that `rows` (SQL over `landed`) leaves: no other row is typed."""
    columns = _landed_columns(connection, staged.batch)
    return f"({_typed(connection, staged.batch, columns, _each_once(staged.batch, rows))[0]})"


def _typed(connection: Connection, batch: Batch, present: frozenset[str], landed: str) -> tuple[str, tuple[str, ...]]:
    """The SELECT of the batch's rows in their types, and which declared vendor columns landing does not have."""

    def words_in(field: str) -> list[str]:
        words = f"select distinct {field} from {batch.landing} where _batch_id = {quoted(batch.batch_id)}"
        found = connection.execute(text(f"{words} and {field} is not null limit {_ZONES}"))
        return sorted(word for (word,) in found)

    fields = Fields(dialect_of(connection), present, landed, words_in)
    select = _template(batch).render({name: getattr(fields, name) for name in vars(Fields) if not name.startswith("_")})
    entity = ENTITIES[batch.entity]
    columns = ",\n    ".join(
        f"cast({'null' if name in UTM_FOUND else name} as {kind.compile(connection.dialect)}) as {name}"
        for name, kind in entity.columns.items()
    )
    whole = (
        f"select {quoted(batch.source)} as source, {quoted(batch.account_id)} as account_id,\n    {columns},"
        f"\n    {quoted(batch.batch_id)} as batch_id, _row_hash as row_hash, _row, _key, _defect, _unreadable"
        f"\nfrom (\n{select}\n) as typed"
    )
    return whole, tuple(fields.missing)


def _landed_rows(connection: Connection, batch: Batch, narrowed: str) -> tuple[str, int]:
    """The FROM item of the batch's rows, each once, and how many. Looking for repeats costs less than removing none."""
    landed = f"{batch.landing} as landed where _batch_id = {quoted(batch.batch_id)} and {_STAYS}"
    landed += f" and {narrowed}" if narrowed else ""
    rows, once = connection.execute(text(f"select count(*), count(distinct _row) from {landed}")).one()
    return (f"(select * from {landed})" if once == rows else _each_once(batch, narrowed)), int(once)


def _erased_count(connection: Connection, batch: Batch) -> int:
    emptied = f"_batch_id = {quoted(batch.batch_id)} and _defect = {quoted(ERASED)}"
    return int(
        connection.execute(text(f"select count(distinct _row) from {batch.landing} where {emptied}")).scalar_one()
    )


def _each_once(batch: Batch, narrowed: str) -> str:
    where = f"_batch_id = {quoted(batch.batch_id)} and {_STAYS}" + (f" and {narrowed}" if narrowed else "")
    return f"(select distinct on (_row) * from {batch.landing} as landed where {where} order by _row)"


def _template(batch: Batch) -> Template:
    try:
        return _FILES.get_template(f"{batch.source}__{batch.stream}.sql")
    except TemplateNotFound:
        raise StoreError(
            f"There is no staging file for {batch.source}.{batch.stream}",
            next_step=f"Write warehouse/staging/{batch.source}__{batch.stream}.sql",
        ) from None


def _landed_columns(connection: Connection, batch: Batch) -> frozenset[str]:
    columns = columns_of(connection, batch.landing)
    if not columns:
        raise StoreError(
            f"Batch {batch.batch_id} is recorded, but its table {batch.landing} does not exist",
            next_step=f"Restore it, or pull {batch.source} again",
        )
    return frozenset(name for name, _ in columns)
