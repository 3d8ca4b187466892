"""Incremental builds: only what changed is made again, and the marts are those of a build from scratch, to the row."""

from __future__ import annotations

import itertools
import os
import random
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import pytest
from sqlalchemy import text

from rebuttal import journeys
from rebuttal.context import Context
from rebuttal.errors import AbortError
from rebuttal.journeys import model as journeys_model
from rebuttal.journeys.configuration import load_model_config
from rebuttal.records import Report
from rebuttal.settings import PROJECT_ROOT, Settings
from rebuttal.warehouse import open_published, open_warehouse
from rebuttal.warehouse.engine import is_duckdb
from rebuttal.warehouse.publish import previous_path, publish_previous

BY_PERSON = ("touchpoint", "person", "deal", "journey")
MARTS = (*BY_PERSON, "attribution", "kpi_weekly", "funnel_weekly", "channel_performance")
Rows = dict[str, list[tuple[Any, ...]]]
NUMBERS = itertools.count(1)


def read(settings: Settings, schema: str = "marts") -> Rows:
    """Every row of every mart, in a stable order."""
    with open_warehouse(settings) as engine, engine.connect() as connection:
        found = {name: connection.execute(text(f"SELECT * FROM {schema}.{name}")).all() for name in MARTS}
    return {name: sorted((tuple(row) for row in rows), key=repr) for name, rows in found.items()}


def run_sql(settings: Settings, *statements: str) -> None:
    with open_warehouse(settings) as engine, engine.begin() as connection:
        for statement in statements:
            connection.execute(text(statement))


def persons_of(settings: Settings, **contact_of: str) -> dict[str, str]:
    """Name -> person id, by contact id."""
    with open_warehouse(settings) as engine, engine.connect() as connection:
        query = text("SELECT identifier, person_id FROM core.person_identifier WHERE identifier_kind = 'contact_id'")
        by_contact = {str(contact): str(person) for contact, person in connection.execute(query)}
    return {name: by_contact[contact] for name, contact in contact_of.items()}


def differing_persons(settings: Settings, before: Rows, after: Rows) -> dict[str, set[str | None]]:
    """Mart -> the persons of rows that came or went, of marts that go by person."""
    found = {}
    with open_warehouse(settings) as engine, engine.connect() as connection:
        for name in BY_PERSON:
            place = list(connection.execute(text(f"SELECT * FROM marts.{name} LIMIT 0")).keys()).index("person_id")
            found[name] = {row[place] for row in set(before[name]) ^ set(after[name])}
    return found


@dataclass(frozen=True)
class Company:
    """A company that is built once for each engine; every case works on a copy of it."""

    settings: Settings
    copies: Callable[[Path], Settings]


@pytest.fixture(scope="module", params=["duckdb", "postgres"])
def company(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, conftest_parts: Any) -> Company:
    home = tmp_path_factory.mktemp(request.param) / "home"
    config = PROJECT_ROOT / "include" / "config"
    copy_url: Callable[[str], str] | None = None
    url = f"duckdb:///{home / 'warehouse.duckdb'}"
    if request.param == "postgres":
        url = request.getfixturevalue("postgres_url")()
        copy_url = request.getfixturevalue("postgres_copy")
    settings = Settings(home, config, "http://x", url, "sqlite://")
    home.mkdir()
    conftest_parts.fill(settings, **conftest_parts.company)
    context = conftest_parts.context_of(settings)
    journeys.run(context)

    def copies(place: Path) -> Settings:
        new = f"duckdb:///{place / 'warehouse.duckdb'}" if copy_url is None else copy_url(url)
        shutil.copytree(home, place)
        return Settings(place, config, "http://x", new, "sqlite://")

    return Company(settings, copies)


@pytest.fixture
def copied(company: Company, tmp_path: Path, context_of: Any) -> Iterator[Callable[[str], Context]]:
    """A function that gives a copy of the built company, in a folder of that name."""
    made = []

    def copy(name: str) -> Context:
        made.append(company.copies(tmp_path / name))
        return cast(Context, context_of(made[-1]))

    yield copy
    for settings in made:  # what dbt compiled for one case is right for the next
        if (kept := settings.home / "dbt" / "refresh.json").is_file():
            shutil.copy(kept, company.settings.home / "dbt" / "refresh.json")


@pytest.fixture
def built(copied: Callable[[str], Context]) -> Context:
    return copied("built")


def rebuilt(context: Context) -> Rows:
    """The marts after a build from scratch of the same input."""
    run_sql(context.settings, "DELETE FROM ops.model_build")
    journeys.run(context)
    return read(context.settings)


def turned(context: Context, *changes: str) -> Rows:
    """The marts after these changes, numbered from 1 on, and a build."""
    for number, change in enumerate(changes, 1):
        run_sql(context.settings, *CHANGES[change](number))
    journeys.run(context)
    return read(context.settings)


# What may happen to the company; every change is what a merge, a replay or a new rule leaves in core.
def _visit(number: int, client: str, at: str, **more: str) -> str:
    columns = {"source": "yandex_metrica", "account_id": "a1", "visit_id": f"v{number}", "client_id": client}
    columns |= {"started_at": f"{at}:00+00", "batch_id": f"late{number}", "row_hash": f"h{number}"} | more
    values = ", ".join(f"'{value}'" for value in columns.values())
    return f"INSERT INTO core.visit (row_number, {', '.join(columns)}) VALUES (1, {values})"


CHANGES: dict[str, Callable[[int], list[str]]] = {
    "late visit": lambda n: [_visit(n, "c2", "2026-01-04 08:00", utm_source_norm="instagram")],
    "visit of somebody new": lambda n: [_visit(n, f"x{n}", "2026-01-09 08:00", referrer="https://www.google.com/")],
    "visit of nobody": lambda n: [_visit(n, "", "2026-01-09 08:00")],
    "visit went to another device": lambda n: [
        f"UPDATE core.visit SET client_id = 'c3', batch_id = 'moved{n}' WHERE visit_id = '2'"
    ],
    "visit came back": lambda n: ["UPDATE core.visit SET client_id = 'c1' WHERE visit_id = '2'"],
    "visit vanished": lambda n: ["DELETE FROM core.visit WHERE visit_id = '6'"],
    "tags judged again": lambda n: ["UPDATE core.visit SET utm_source_norm = 'facebook' WHERE visit_id = '5'"],
    "visit of nobody judged again": lambda n: [
        "UPDATE core.visit SET utm_source_norm = 'instagram' WHERE visit_id = '8'"
    ],
    "cost restated": lambda n: [f"UPDATE core.ad_performance SET cost = {n} + 1, batch_id = 'ad{n}' WHERE ad_id = 'x'"],
    "contacts merged": lambda n: [
        "UPDATE core.contact SET merged_ids = '[\"103\"]' WHERE contact_id = '102'",
        "UPDATE core.contact SET is_deleted = TRUE WHERE contact_id = '103'",
    ],
    "contacts parted": lambda n: [
        "UPDATE core.contact SET merged_ids = NULL WHERE contact_id = '102'",
        "UPDATE core.contact SET is_deleted = FALSE WHERE contact_id = '103'",
    ],
    "deal deleted": lambda n: ["UPDATE core.deal SET is_deleted = TRUE WHERE deal_id = 'd1'"],
    "deal restored": lambda n: ["UPDATE core.deal SET is_deleted = FALSE WHERE deal_id IN ('d1', 'd5')"],
    "deal changed hands": lambda n: ["UPDATE core.deal SET contact_id = '103' WHERE deal_id = 'd2'"],
    "deal found its person": lambda n: ["UPDATE core.deal SET contact_id = '102' WHERE deal_id = 'd4'"],
    "deal of nobody changed": lambda n: [f"UPDATE core.deal SET amount = 100 + {n} WHERE deal_id IN ('d3', 'd4')"],
    "note on a deal of nobody": lambda n: [
        "INSERT INTO core.conversation (source, account_id, conversation_id, kind, occurred_at, deal_id, is_deleted,"
        f" batch_id, row_number, row_hash) VALUES ('hubspot', 'a1', 'm{n}', 'note', '2026-01-16 10:00:00+00', 'd4',"
        f" FALSE, 'note{n}', 1, 'h{n}')"
    ],
    "stage entered": lambda n: [
        "INSERT INTO core.stage_change (source, account_id, deal_id, stage_id, changed_at, batch_id, row_number,"
        f" row_hash) VALUES ('hubspot', 'a1', 'd2', 'offer', '2026-01-12 14:{n % 60:02}:00+00', 's{n}', 1, 'h')"
    ],
    "platform named the click": lambda n: [
        "DELETE FROM core.ad_click WHERE click_id = 'G1'",
        "INSERT INTO core.ad_click (source, account_id, click_id, report_date, campaign_id, batch_id, row_number,"
        f" row_hash) VALUES ('google_ads', 'a1', 'G1', '2026-01-05', '{(20110008, 20110004)[n % 2]}', 'click{n}', 1,"
        f" 'h{n}')",
    ],
    "lifecycle told": lambda n: [
        "INSERT INTO core.lifecycle_change (source, account_id, contact_id, changed_at, lifecycle_stage, batch_id,"
        f" row_number, row_hash) VALUES ('hubspot', 'a1', '102', '2026-01-09 10:{n % 60:02}:00+00',"
        f" 'marketingqualifiedlead', 'l{n}', 1, 'h')"
    ],
    "answer changed": lambda n: [
        "UPDATE core.survey_response SET email_hash = 'boris', self_reported_source = 'GPT' WHERE response_id = 'r1'"
    ],
    "score changed": lambda n: [f"UPDATE core.survey_response SET nps_score = {n % 11} WHERE response_id = 'r2'"],
    "rate published": lambda n: [
        "DELETE FROM ops.reference_rate WHERE rate_date = '2026-01-17'",
        f"INSERT INTO ops.reference_rate VALUES ('ecb', '2026-01-17', 'XXX', {n} + 1, '2026-01-21 00:00:00+00')",
    ],
    "advertising is known less far": lambda n: ["DELETE FROM core.ad_performance WHERE report_date > '2026-01-14'"],
    "page renamed": lambda n: [
        f"UPDATE core.visit SET landing_url = 'https://www.brand.example/new/{n}' WHERE visit_id = '3'"
    ],
    "answer in the CRM changed": lambda n: [
        "UPDATE core.contact SET self_reported_source = 'Instagram' WHERE contact_id = '103'"
    ],
}  # fmt: skip


def histories() -> list[list[list[str]]]:
    """Two random histories of two turns each; every change stands in one of them, and some come twice."""
    chance = random.Random(7)
    names = list(CHANGES)
    chance.shuffle(names)
    half, quarter = len(names) // 2, len(names) // 4
    found = [[names[:quarter], names[quarter:half]], [names[half : half + quarter], names[half + quarter :]]]
    for history in found:
        history[1] += [chance.choice(names) for _ in range(4)]
    assert {name for history in found for turn in history for name in turn} == set(CHANGES)
    return found


@pytest.mark.parametrize("number", [0, 1])
def test_incremental_equals_a_build_from_scratch(built: Context, number: int) -> None:
    history = histories()[number]
    for turn in history:
        for name in turn:
            run_sql(built.settings, *CHANGES[name](next(NUMBERS)))
        journeys.run(built)
    incremental = read(built.settings)
    assert all(rows for rows in incremental.values())
    assert journeys.run(built).changed is False
    whole = rebuilt(built)
    for mart in MARTS:
        assert incremental[mart] == whole[mart], (mart, history)


def test_a_change_reaches_exactly_its_persons(built: Context) -> None:
    settings = built.settings
    people = persons_of(settings, boris="102", dina="103")
    boris, merged = {people["boris"]}, set(people.values())
    first = read(settings)

    run_sql(settings, *CHANGES["late visit"](next(NUMBERS)))
    assert journeys.run(built).counts["changed_persons"] == 1
    late = read(settings)
    found = differing_persons(settings, first, late)
    assert found == dict.fromkeys(BY_PERSON, boris), "an earlier first touch: of the person, the path and the deal"

    run_sql(settings, *CHANGES["cost restated"](next(NUMBERS)))
    assert journeys.run(built).counts["changed_persons"] == 0
    dearer = read(settings)
    assert {name for name in MARTS if late[name] != dearer[name]} == {"kpi_weekly", "channel_performance"}

    run_sql(settings, *CHANGES["contacts merged"](next(NUMBERS)))
    journeys.run(built)
    one = read(settings)
    found = differing_persons(settings, dearer, one)
    assert found["person"] == found["touchpoint"] == merged
    assert all(persons <= merged for persons in found.values())

    run_sql(settings, *CHANGES["contacts parted"](next(NUMBERS)))
    journeys.run(built)
    assert read(settings) == dearer, "parted again, everybody has what was theirs"

    run_sql(settings, *CHANGES["advertising is known less far"](next(NUMBERS)))
    assert journeys.run(built).counts["changed_persons"] == 0
    said = {(row[1].day, row[-1]) for row in read(settings)["attribution"] if row[0] == "week"}
    late = "advertising is known until 2026-01-06 only"
    assert said == {(5, late), (12, late), (19, "the period is not over")}, "weeks of nobody's are judged anew"


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
        arguments = [str(Path(__file__).parent), str(settings.home), str(settings.config), settings.warehouse_url]
        died = subprocess.run(
            [sys.executable, "-c", DYING, *arguments], env=os.environ | {"FAILPOINT": f"{place}:kill"}, check=False
        )
        assert died.returncode == -9
        if place == "model.after_dbt":
            assert read(settings) == before, "readers have the version before"
        run_sql(settings, *CHANGES[changes[2]](3))
        assert journeys.run(context).changed
        after = read(settings)
        assert after != before
        assert after == undisturbed, place


def test_a_whole_build_that_died_is_done_whole_again(built: Context) -> None:
    before = read(built.settings)
    run_sql(built.settings, "DELETE FROM ops.model_build", "DELETE FROM marts_build.touchpoint")
    assert journeys.run(built).changed
    assert read(built.settings) == before


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


def test_a_device_that_was_nobodys_gets_a_person_and_loses_it(built: Context) -> None:
    """Its visits are not told again by anybody: their batch stays as it was."""
    settings = built.settings
    before, memory = read(settings), "SELECT entity, input_key, batch_id, content_hash, unit_id FROM ops.model_input"
    with open_warehouse(settings) as engine, engine.connect() as connection:
        known = sorted(connection.execute(text(memory)).all())
        vera = connection.execute(
            text("SELECT person_id FROM core.person_identifier WHERE identifier = 'c3'")
        ).scalar_one()
    variables = journeys_model.variables_of(load_model_config(settings.config), built)
    report = Report("model")
    device = "identifier_kind = 'client_id' AND identifier = 'c3'"
    run_sql(
        settings,
        "CREATE TABLE ops.aside AS SELECT * FROM core.person_identifier WHERE " + device,
        "DELETE FROM core.person_identifier WHERE " + device,
        f"INSERT INTO ops.person_change VALUES ('{vera}')",
    )
    journeys_model.build_due(built, variables, report)
    alone = read(settings)
    assert [row for row in alone["touchpoint"] if vera in row] == []
    assert len(alone["touchpoint"]) == len(before["touchpoint"])
    run_sql(
        settings,
        "INSERT INTO core.person_identifier SELECT * FROM ops.aside",
        "DROP TABLE ops.aside",
        f"INSERT INTO ops.person_change VALUES ('{vera}')",
    )
    journeys_model.build_due(built, variables, report)
    assert read(settings) == before
    with open_warehouse(settings) as engine, engine.connect() as connection:
        assert sorted(connection.execute(text(memory)).all()) == known


def test_a_published_rate_reaches_what_it_prices(built: Context) -> None:
    settings = built.settings
    anna, boris = persons_of(settings, anna="101", boris="102").values()
    first = read(settings)
    rate = "INSERT INTO ops.reference_rate VALUES ('ecb', '{}', 'XXX', 4, '2026-01-21 00:00:00+00')"

    run_sql(settings, rate.format("2026-01-19"))
    report = journeys.run(built)
    assert report.counts["changed_persons"] == 1, "Anna's deal of the 20th; not a whole build, which counts none"
    late = read(settings)
    assert differing_persons(settings, first, late) == {
        "touchpoint": set(), "person": set(), "deal": {anna}, "journey": {anna},
    }  # fmt: skip

    run_sql(settings, rate.format("2026-01-14"))
    assert journeys.run(built).counts["changed_persons"] == 2
    assert read(settings)["channel_performance"] != late["channel_performance"], "the advertisement of the 18th has one"
    assert boris not in differing_persons(settings, late, read(settings))["deal"], "euros have no rate to wait for"

    run_sql(settings, "DELETE FROM ops.reference_rate")
    journeys.run(built)
    assert read(settings) == first
