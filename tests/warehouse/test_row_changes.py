"""What a refresh changes, told row by row: done to a table that was as the build was, it makes it as the build is."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import date

import pytest
from hypothesis import given
from hypothesis import settings as limits
from hypothesis import strategies as st
from sqlalchemy import Connection, text

from rebuttal.clock import Clock
from rebuttal.context import Context
from rebuttal.errors import AbortError
from rebuttal.settings import Settings
from rebuttal.warehouse import open_published, open_warehouse
from rebuttal.warehouse.model_tables import changed_person, model_build
from rebuttal.warehouse.promote import columns_of, promote, row_key_of
from rebuttal.warehouse.publish import publish_open, publish_previous
from rebuttal.warehouse.row_changes import RowChanges, compare, is_changed

UNIT = "coalesce(coalesce(person, visit), '')"
UNITS = {"visit_mart": "coalesce(person, visit)"}
Rows = Sequence[tuple[str | None, str | None, int]]
# Few different rows, so that many stand on both sides, and some several times.
ROWS = st.lists(
    st.tuples(st.sampled_from([None, "anna", "boris"]), st.sampled_from([None, "v1", "v2"]), st.integers(0, 1)),
    max_size=12,
)


def fill(connection: Connection, table: str, rows: Rows, *, is_kept: bool = True) -> None:
    connection.execute(text(f"DROP TABLE IF EXISTS {table}"))
    connection.execute(
        text(f"CREATE {'' if is_kept else 'TEMPORARY '}TABLE {table} (person text, visit text, note bigint)")
    )
    values = [{"person": person, "visit": visit, "note": note} for person, visit, note in rows]
    if values:
        connection.execute(text(f"INSERT INTO {table} VALUES (:person, :visit, :note)"), values)


def rows_of(connection: Connection, table: str) -> Counter[tuple[object, ...]]:
    return Counter(tuple(row) for row in connection.execute(text(f"SELECT person, visit, note FROM {table}")))


def told(connection: Connection, stood: Rows, made: Rows, model: str = "visit_mart") -> RowChanges:
    """What a refresh would tell of a model in `marts_build` that had the rows `stood` and has made the rows `made`."""
    fill(connection, f"made_{model}", made, is_kept=False)
    fill(connection, f"marts_build.{model}", stood)
    key = row_key_of(connection, columns_of(connection, f"marts_build.{model}"))
    connection.execute(text(f"DROP TABLE IF EXISTS stood_{model}"))
    connection.exec_driver_sql(
        f"CREATE TEMPORARY TABLE stood_{model} AS SELECT {UNIT} AS unit_id, {key} AS row_key, person, visit, note"
        f" FROM marts_build.{model}"
    )
    changes = compare(connection, model, f"made_{model}", f"stood_{model}", UNIT, key)
    fill(connection, f"marts_build.{model}", made)
    return changes


def test_a_copy_follows_whatever_changed(any_settings: Settings) -> None:
    with open_warehouse(any_settings) as engine, engine.connect() as connection:

        @limits(max_examples=25)
        @given(stood=ROWS, made=ROWS)
        def follows(stood: Rows, made: Rows) -> None:
            changes = told(connection, stood, made)
            fill(connection, "marts_build.other_copy", stood)
            changes.apply(connection, "marts_build.other_copy", UNIT)
            assert rows_of(connection, "marts_build.other_copy") == Counter(made)
            assert (changes.went_count, changes.came_count) != (0, 0) or Counter(stood) == Counter(made)

        follows()


def test_a_row_that_comes_beside_others_leaves_them_alone(any_settings: Settings) -> None:
    stood: Rows = [("anna", "v1", 0), ("anna", "v2", 0), (None, "v3", 0)]
    with open_warehouse(any_settings) as engine, engine.connect() as connection:
        changes = told(connection, stood, [*stood, ("anna", "v4", 0)])
        assert (changes.went_count, changes.came_count) == (0, 1)
        changes = told(connection, stood, [("anna", "v1", 1), ("anna", "v2", 0), (None, "v3", 0)])
        assert (changes.went_count, changes.came_count) == (2, 2), "of Anna all are written, of nobody none"


def test_a_copy_that_was_another_is_refused(any_settings: Settings) -> None:
    with open_warehouse(any_settings) as engine, engine.connect() as connection:
        changes = told(connection, [("anna", "v1", 0), ("anna", "v2", 0)], [("anna", "v1", 1), ("anna", "v2", 0)])
        fill(connection, "marts_build.other_copy", [("anna", "v1", 0)])
        with pytest.raises(AbortError, match=r"other_copy has 1 rows of what changed, and the build had 2"):
            changes.apply(connection, "marts_build.other_copy", UNIT)


def test_what_was_told_is_promoted_published_and_taken_back(any_settings: Settings) -> None:
    context = Context(any_settings, Clock.until(date(2026, 1, 21)), lambda name: pytest.fail(name), b"a key of sixteen")
    stood: Rows = [("anna", "v1", 0), ("boris", "v2", 0), (None, "v3", 0)]
    made: Rows = [("anna", "v1", 0), ("anna", "v4", 0), ("boris", "v2", 1), (None, "v5", 0)]
    with open_warehouse(any_settings) as engine:
        with engine.begin() as connection:
            fill(connection, "marts_build.visit_mart", stood)
            connection.execute(model_build.insert().values(fingerprint="built"))
        promote(engine, UNITS)
        publish_open(any_settings, engine)
    with open_warehouse(any_settings) as engine:
        with engine.begin() as connection:
            connection.execute(
                changed_person.insert(), [{"person_id": unit} for unit in ("", "anna", "boris", "v3", "v5")]
            )
            told(connection, stood, made)
        assert promote(engine, UNITS, only_changed=True) == ["visit_mart"]
        assert publish_open(any_settings, engine).changed
        with engine.connect() as connection:
            assert rows_of(connection, "marts.visit_mart") == Counter(made)
            kept = rows_of(connection, "marts_previous.visit_mart")
            assert kept == Counter([("boris", "v2", 0), (None, "v3", 0)]), "only what went is kept"
            sums = connection.execute(text("SELECT row_count, checksum FROM ops.mart_checksum")).one()
            added_up = row_key_of(connection, columns_of(connection, "marts.visit_mart"))
            counted = f"SELECT count(*), sum(cast({added_up} AS numeric(38, 0))) FROM marts.visit_mart"
            assert tuple(sums) == tuple(connection.exec_driver_sql(counted).one())
    with open_published(any_settings) as engine, engine.connect() as connection:
        assert rows_of(connection, "marts.visit_mart") == Counter(made)
    assert publish_previous(context).counts["marts"] == 1
    with open_published(any_settings) as engine, engine.connect() as connection:
        assert rows_of(connection, "marts.visit_mart") == Counter(stood)


LONG_UNIT = (
    "coalesce(case when model = 'first' then cast(kind as TEXT) || chr(31) || cast(period_start as TEXT) || chr(31) ||"
    " cast(name as TEXT) else cast('share' as TEXT) || chr(31) || cast(period_start as TEXT) end, '')"
)
CREDIT = [
    (kind, day, model, name)
    for kind in ("week", "month")
    for day in (None, date(2026, 1, 5), date(2026, 1, 12))
    for model in ("first", "markov")
    for name in ("google", "2026-01-12", "a\x1fb")
]


def test_units_of_credit_are_found_by_their_days(any_settings: Settings) -> None:
    """What is looked for by day first is what would be found by the whole unit, rows without a day among it."""
    weeks = ["week\x1f2026-01-05\x1fgoogle", "week\x1f2026-01-12\x1fa\x1fb", "2026-01-05\x1f2026-01-01\x1fgoogle"]
    units = st.sampled_from(["", "anna", "month\x1f2026-01-12\x1f2026-01-12", "share\x1f2026-01-05", *weeks])
    with open_warehouse(any_settings) as engine, engine.connect() as connection:
        connection.execute(text("CREATE TEMPORARY TABLE credit (kind text, period_start date, model text, name text)"))
        insert = text("INSERT INTO credit VALUES (:kind, :day, :model, :name)")
        connection.execute(insert, [dict(zip(("kind", "day", "model", "name"), row, strict=True)) for row in CREDIT])

        @limits(max_examples=25)
        @given(changed=st.sets(units))
        def found(changed: set[str]) -> None:
            connection.execute(changed_person.delete())
            if changed:
                connection.execute(changed_person.insert(), [{"person_id": unit} for unit in changed])
            query = "SELECT * FROM credit WHERE {} ORDER BY 1, 2, 3, 4"
            by_day = connection.exec_driver_sql(query.format(is_changed(LONG_UNIT))).all()
            whole = f"{LONG_UNIT} IN (SELECT person_id FROM ops.changed_person)"
            assert by_day == connection.exec_driver_sql(query.format(whole)).all()
            seen.append(len(by_day))

        seen: list[int] = []
        found()
        assert max(seen) > 1
