"""What changed since the last build: the persons whose rows of the marts have to be made again.

Compared is what models read of each admitted row, not how it came: a late batch, a restatement, a replay, a changed
rule for tags and a row that vanished all look the same here. The stored picture (`ops.model_input`) and the persons
that follow from it (`ops.changed_person`) move on in one transaction, so nothing is lost when a build dies: the persons
stand until `settle` has seen the marts published.

Visits are too many to compare one by one: they are added up by batch first, and only batches that differ are compared.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from importlib import resources

from sqlalchemy import Connection, Engine, delete, insert, select, text

from rebuttal.warehouse.dialects import dialect_of
from rebuttal.warehouse.model_tables import changed_person, model_build, person_change
from rebuttal.warehouse.promote import row_hash_of
from rebuttal.warehouse.tables import MARTS_BUILD

SMALL = (
    *("ad_click", "ad_performance", "booking", "contact", "conversation", "deal", "lifecycle_change", "reference_rate"),
    "stage_change",
    "survey_response",
)
NOBODY = ""
_ALL = "TRUE"  # the scope of entities that are compared as a whole
_COLUMNS = ("input_key", "batch_id", "content_hash", "unit_id")  # of ops.model_input


@dataclass(frozen=True)
class Due:
    """What the next build has to do: nothing, the changed persons and days, or everything (`is_whole`)."""

    is_due: bool
    is_whole: bool
    person_count: int  # and rows of nobody that stand for themselves
    is_resumed: bool  # some of it was due before: a build of it may have died on its way to readers


def is_built(engine: Engine, fingerprint: str) -> bool:
    """Whether the last build was of this `fingerprint` (see find_changes): then the next need not be a whole one."""
    with engine.connect() as connection:
        return _built(connection)[0] == fingerprint


def _built(connection: Connection) -> tuple[str, str]:
    """Fingerprint and week of the last build; empty when there was none, or when it has to be made anew."""
    built, _, week = (connection.execute(select(model_build.c.fingerprint)).scalar_one_or_none() or "").partition("@")
    return built, week


def find_changes(engine: Engine, fingerprint: str, week: str) -> Due:
    """Add to `ops.changed_person` whom the rows admitted since the last look belong and belonged to.

    `fingerprint` is that of the configuration, small tables and the models' text: another one than that of the last
    build asks for a whole build, and makes it asked for until one has been published. `week` is the running week (its
    Monday): a new one asks for a build of the weekly marts.
    """
    with engine.begin() as connection:
        built, built_week = _built(connection)
        is_whole = built != fingerprint
        if is_whole:
            # From here on the tables of the build are of two makes until it has succeeded.
            connection.execute(delete(model_build))
        is_resumed = _exists(connection, "ops.changed_person")
        is_touched = _take_over_people(connection)
        for entity in SMALL:
            is_touched |= _compare(connection, entity, f"({_sql(connection, entity)})", _ALL, is_whole)
        is_touched |= _compare_visits(connection, is_whole)
        _add_priced(connection)
        connection.execute(delete(person_change))
        if is_touched or is_whole or built_week != week:
            _add(connection, f"SELECT '{NOBODY}' AS unit_id")
        query = (
            "SELECT count(*), count(CASE WHEN person_id <> '' AND person_id NOT LIKE 'day:%'"
            " AND person_id NOT LIKE 'rate:%' AND person_id NOT LIKE '%' || chr(31) || '%' THEN 1 END)"
        )
        count, persons = connection.execute(text(f"{query} FROM ops.changed_person")).one()
    return Due(is_due=count > 0, is_whole=is_whole, person_count=int(persons), is_resumed=is_resumed)


def settle(engine: Engine, fingerprint: str, week: str) -> None:
    """Remember that the marts are built from all that `find_changes` saw; call it after their publication."""
    with engine.begin() as connection:
        connection.execute(delete(changed_person))
        connection.execute(delete(model_build))
        connection.execute(insert(model_build).values(fingerprint=f"{fingerprint}@{week}"))


def add_credit(engine: Engine, units: str = f"SELECT unit FROM {MARTS_BUILD}.int_attribution_unit") -> None:
    """Add to `ops.changed_person` the sums that credit of changed persons is in, as `marts_build` has it now.

    Call it before a refresh makes that credit again and after it: sums that lose credit and sums that get some are
    both made again. What a killed refresh has noted stays noted. `units`: the same of rows that a refresh has made.
    """
    with engine.begin() as connection:
        _add(connection, f"SELECT unit AS unit_id FROM ({units}) AS credited")


def add_units(connection: Connection, units: Iterable[str]) -> None:
    """Add these units of change to `ops.changed_person`."""
    told = set(units)
    known = connection.execute(select(changed_person.c.person_id).where(changed_person.c.person_id.in_(told))).scalars()
    if new := sorted(told.difference(known)):
        connection.execute(insert(changed_person), [{"person_id": unit} for unit in new])


def _take_over_people(connection: Connection) -> bool:
    moved = connection.execute(text("SELECT count(*) FROM ops.person_change")).scalar_one()
    _add(connection, "SELECT person_id AS unit_id FROM ops.person_change")
    return bool(moved)


def _add_priced(connection: Connection) -> None:
    """A published rate holds until the next: whatever takes the rate of the first changed day, or of a later one."""
    changed = "SELECT min(person_id) FROM ops.changed_person WHERE person_id LIKE 'rate:%'"
    earliest = connection.execute(text(changed)).scalar_one()
    if earliest is not None:
        day = date.fromisoformat(str(earliest).removeprefix("rate:"))
        _add(connection, _text("priced").format(day=f"DATE '{day.isoformat()}'"))


def _compare_visits(connection: Connection, is_whole: bool) -> bool:
    told = _sql(connection, "visit", visits="core.visit")
    _run(connection, "DROP TABLE IF EXISTS input_batch")
    _run(
        connection,
        "CREATE TEMPORARY TABLE input_batch AS SELECT batch_id, count(*) AS row_count, cast(sum(content_hash) AS"
        f" numeric(38, 0)) AS checksum FROM ({told}) AS told GROUP BY batch_id",  # the sum of bigint is wider by itself
    )
    _run(connection, "DROP TABLE IF EXISTS touched_batch")
    _run(
        connection,
        "CREATE TEMPORARY TABLE touched_batch AS SELECT coalesce(now.batch_id, built.batch_id) AS batch_id"
        " FROM input_batch AS now FULL JOIN ops.model_input_batch AS built ON built.batch_id = now.batch_id"
        " WHERE now.row_count IS DISTINCT FROM built.row_count OR now.checksum IS DISTINCT FROM built.checksum",
    )
    scope = "(batch_id IN (SELECT batch_id FROM touched_batch) OR unit_id IN (SELECT person_id FROM ops.person_change))"
    if not _exists(connection, "touched_batch") and not _exists(connection, "ops.person_change"):
        return False
    # Whole visits are dear to fetch: first it is asked whether any other batch has one of those devices.
    _run(connection, "DROP TABLE IF EXISTS moved_batch")
    _run(connection, f"CREATE TEMPORARY TABLE moved_batch AS {_text('visit_moved')}")
    unit, found = _text("visit_unit"), _text("visit_at_hand").format(place=dialect_of(connection).place)
    at_hand = _sql(connection, "visit", visits=f"({found})")
    is_touched = _compare(
        connection, "visit", f"({unit.format(told=told)})", scope, is_whole, at_hand=f"({unit.format(told=at_hand)})"
    )
    _run(connection, "DELETE FROM ops.model_input_batch WHERE batch_id IN (SELECT batch_id FROM touched_batch)")
    _run(
        connection,
        "INSERT INTO ops.model_input_batch (batch_id, row_count, checksum) SELECT batch_id, row_count, checksum"
        " FROM input_batch WHERE batch_id IN (SELECT batch_id FROM touched_batch)",
    )
    return is_touched


def _compare(
    connection: Connection, entity: str, now: str, scope: str, is_whole: bool, at_hand: str | None = None
) -> bool:
    """Bring `ops.model_input` up to `now` and note the units of rows that came, went or differ; whether any did.

    `at_hand` gives the rows of `now` that are in `scope`, where that is quicker than to look for them in it.
    """
    for name in ("input_now", "input_built", "input_came", "input_went"):
        _run(connection, f"DROP TABLE IF EXISTS {name}")
    columns, place = ", ".join(_COLUMNS), dialect_of(connection).place
    built = f"SELECT {columns}, {place} AS row_place FROM ops.model_input WHERE "
    if scope == _ALL:
        built += f"entity = '{entity}'"
    else:  # first where they lie: whole rows of all are not fetched
        _run(connection, "DROP TABLE IF EXISTS input_place")
        found = f"SELECT {place} AS row_place FROM ops.model_input WHERE entity = '{entity}' AND {scope}"
        _run(connection, f"CREATE TEMPORARY TABLE input_place AS {found}")
        built += f"{place} IN (SELECT row_place FROM input_place)"
    rows = f"{at_hand} AS now" if at_hand else f"{now} AS now WHERE {scope}"
    _run(connection, f"CREATE TEMPORARY TABLE input_now AS SELECT {columns} FROM {rows}")
    if scope == _ALL and _add_up(connection, "input_now") == _add_up(connection, f"({built}) AS built"):
        return False
    _run(connection, f"CREATE TEMPORARY TABLE input_built AS {built}")
    if scope != _ALL:
        _add_other_side(connection, entity, now)
    for name, one, other in (("came", "now", "built"), ("went", "built", "now")):
        _run(
            connection,
            f"CREATE TEMPORARY TABLE input_{name} AS SELECT one.*, other.content_hash IS NULL"
            " OR one.content_hash <> other.content_hash OR one.unit_id <> other.unit_id AS is_other"
            f" FROM input_{one} AS one LEFT JOIN input_{other} AS other ON other.input_key = one.input_key"
            " WHERE other.input_key IS NULL OR one.content_hash <> other.content_hash"
            " OR one.unit_id <> other.unit_id OR one.batch_id <> other.batch_id",
        )
    is_touched = False
    for name in ("came", "went"):
        is_touched |= _exists(connection, f"input_{name} WHERE is_other")
        if not is_whole:
            _add(connection, f"SELECT unit_id FROM input_{name} WHERE is_other")
    _run(
        connection,
        f"DELETE FROM ops.model_input WHERE {place} IN (SELECT row_place FROM input_built"
        " WHERE input_key IN (SELECT input_key FROM input_went))",
    )
    _run(
        connection,
        f"INSERT INTO ops.model_input (entity, {columns}) SELECT '{entity}', {columns} FROM input_came",
    )
    for name in ("input_now", "input_built", "input_came", "input_went"):
        _run(connection, f"DROP TABLE {name}")
    return is_touched


def _add_up(connection: Connection, rows: str) -> tuple[int, int | None]:
    """How many these input rows are and what they add up to: the same for the same rows."""
    checksum = row_hash_of(connection, [(name, "") for name in _COLUMNS])
    count, total = connection.exec_driver_sql(f"SELECT count(*), {checksum} FROM {rows}").one()
    return int(count), None if total is None else int(total)


def _add_other_side(connection: Connection, entity: str, now: str) -> None:
    """A row that had another unit when the marts were built, or has now, may be in scope on one side only.

    Batches that do not differ have the rows that they had: what is in one that does was in none of those, and need not
    be looked for among what the marts were built from.
    """
    columns = ", ".join(_COLUMNS)
    known = f"SELECT {columns}, {dialect_of(connection).place} AS row_place FROM ops.model_input"
    for side, other, listed, rows in (
        ("built", "now", f"{columns}, row_place", f"({known} WHERE entity = '{entity}')"),
        ("now", "built", columns, now),
    ):
        _run(connection, "DROP TABLE IF EXISTS input_lacking")
        _run(
            connection,
            f"CREATE TEMPORARY TABLE input_lacking AS SELECT input_key FROM input_{other}"
            f" WHERE input_key NOT IN (SELECT input_key FROM input_{side})"
            f"{' AND batch_id NOT IN (SELECT batch_id FROM touched_batch)' if side == 'built' else ''}",
        )
        if _exists(connection, "input_lacking"):
            _run(
                connection,
                f"INSERT INTO input_{side} SELECT {listed} FROM {rows} AS found"
                " WHERE input_key IN (SELECT input_key FROM input_lacking)",
            )
    _run(connection, "DROP TABLE input_lacking")


def _add(connection: Connection, units: str) -> None:
    _run(
        connection,
        f"INSERT INTO ops.changed_person (person_id) SELECT DISTINCT unit_id FROM ({units}) AS unit"
        " WHERE unit_id NOT IN (SELECT person_id FROM ops.changed_person)",
    )


def _exists(connection: Connection, rows: str) -> bool:
    return connection.exec_driver_sql(f"SELECT 1 FROM {rows} LIMIT 1").first() is not None


def _sql(connection: Connection, entity: str, **relations: str) -> str:
    """The input rows of an entity. Both hashes have 63 bits or 64 and go into a signed number."""
    if connection.dialect.name == "duckdb":
        return _text(entity).format(hash="((hash", end=") >> 1)::bigint", **relations)
    return _text(entity).format(hash="hashtextextended(ROW", end=")::text, 0", **relations)


def _text(name: str) -> str:
    found = resources.files("rebuttal.journeys").joinpath("sql", "input", f"{name}.sql").read_text(encoding="utf-8")
    return "\n".join(line for line in found.splitlines() if not line.startswith("--"))


def _run(connection: Connection, statement: str) -> None:
    connection.exec_driver_sql(statement)  # written here, with no value of any row in it
