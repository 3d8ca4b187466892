"""What readers get of incremental builds: the version before or the next, whatever dies or fails, and the way back."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import text
from tests import apart
from tests.journeys.refresh_cases import CHANGES, MARTS, NUMBERS, persons_of, read, run_sql, turned

from rebuttal import journeys
from rebuttal.context import Context
from rebuttal.errors import AbortError
from rebuttal.warehouse import open_published, open_warehouse
from rebuttal.warehouse.engine import is_duckdb
from rebuttal.warehouse.promote import columns_of, row_key_of
from rebuttal.warehouse.publish import publish_previous
from rebuttal.warehouse.published_file import previous_path

DYING = """
import sys
sys.path.insert(0, sys.argv[1])
import conftest
from pathlib import Path
from rebuttal import journeys
from rebuttal.settings import Settings
home, config, url = Path(sys.argv[2]), Path(sys.argv[3]), sys.argv[4]
journeys.run(conftest._context_of(Settings(home, config, "http://x", url, "sqlite://")))
"""


def test_a_killed_build_is_done_again(copied: Callable[[str], Context]) -> None:
    changes = ("late visit", "deal changed hands", "visit vanished")
    undisturbed = turned(copied("undisturbed"), *changes)
    for place in ("model.after_dbt", "model.after_promote"):
        context = copied(place)
        settings = context.settings
        before = read(settings)
        run_sql(settings, *CHANGES[changes[0]](1), *CHANGES[changes[1]](2))
        arguments = (Path(__file__).parent, settings.home, settings.config, settings.warehouse_url)
        died = apart.run(DYING, *arguments, env=os.environ | {"FAILPOINT": f"{place}:kill"})
        assert died.returncode == -9
        if place == "model.after_dbt":
            assert read(settings) == before, "readers have the version before"
        run_sql(settings, *CHANGES[changes[2]](3))
        assert journeys.run(context).changed
        after = read(settings)
        assert after != before
        assert after == undisturbed, place


def test_back_to_the_version_before(copied: Callable[[str], Context]) -> None:
    built = copied("built")
    settings = built.settings
    before = read(settings)
    newest = turned(built, "deal changed hands", "late visit")
    assert newest != before
    report = publish_previous(built)
    assert report.counts["published"] == 1
    assert read(settings) == before
    assert not journeys.run(built).counts["marts_changed"], "nothing new, so people's decision stands"
    assert read(settings) == before
    run_sql(settings, *CHANGES["cost restated"](3))
    journeys.run(built)
    after = read(settings)
    assert after["deal"] == newest["deal"], "the next build brings all of it"
    assert after["touchpoint"] == newest["touchpoint"]
    assert after == turned(copied("straight on"), "deal changed hands", "late visit", "cost restated")


def test_the_published_copy_follows_and_the_one_before_stays(built: Context) -> None:
    settings = built.settings
    if not is_duckdb(settings):
        pytest.skip("on a server readers see the marts themselves")
    assert not previous_path(settings).exists()
    for change in ("late visit", "deal changed hands", "visit of nobody"):
        before = settings.published_path.read_bytes()
        run_sql(settings, *CHANGES[change](next(NUMBERS)))
        journeys.run(built)
        assert previous_path(settings).read_bytes() == before
        with open_published(settings) as engine, engine.connect() as connection:
            for name in MARTS:
                rows = connection.execute(text(f"SELECT * FROM marts.{name}")).all()
                assert sorted((tuple(row) for row in rows), key=repr) == read(settings)[name], (change, name)


def test_readers_get_the_rows_that_a_refresh_told(built: Context) -> None:
    """What a refresh told stands on its own connection: promotion must get that one, though shares opened another."""
    run_sql(built.settings, *CHANGES["late visit"](next(NUMBERS)))
    assert journeys.run(built).changed
    with open_warehouse(built.settings) as engine, engine.connect() as connection:
        told_by = {
            name: connection.execute(text(f"SELECT min(expression) FROM marts_previous.{name}__unit")).scalar_one()
            for name in ("touchpoint", "journey")
        }
        by_row = {name: row_key_of(connection, columns_of(connection, f"marts.{name}")) for name in told_by}
    assert told_by == by_row, "kept row by row; what is looked for and compared anew is kept by person"


def test_a_key_of_somebody_else_is_a_failed_test(built: Context) -> None:
    """A refresh tests only rows that it made; that a key is there once is asked of all rows."""
    settings = built.settings
    dina = persons_of(settings, dina="103")["dina"]
    taken = f"SELECT journey_id FROM marts_build.journey WHERE person_id = '{dina}' AND is_converted"
    run_sql(
        settings,
        "INSERT INTO marts_build.journey (journey_id, person_id, is_converted, touch_count)"
        f" SELECT min(journey_id), 'somebody else', FALSE, 0 FROM ({taken}) AS known",
        *CHANGES["answer in the CRM changed"](1),
    )
    before = read(settings)
    with pytest.raises(
        AbortError, match=r"unique_journey_journey_id failed on the model journey, column journey_id: 1 results"
    ):
        journeys.run(built)
    assert read(settings) == before
    run_sql(settings, "DELETE FROM marts_build.journey WHERE person_id = 'somebody else'")
    assert journeys.run(built).changed, "the persons stand until their build has passed"
