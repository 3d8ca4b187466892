"""Incremental builds: only what changed is made again, and the marts are those of a build from scratch, to the row."""

from __future__ import annotations

import itertools
import os
import random
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from rebuttal import journeys
from rebuttal.context import Context
from rebuttal.settings import Settings
from rebuttal.warehouse import open_warehouse
from rebuttal.warehouse.publish import publish_previous

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


@pytest.fixture
def built(any_settings: Settings, fill: Any, company: Any, context_of: Any) -> Context:
    fill(any_settings, **company)
    context: Context = context_of(any_settings)
    journeys.run(context)
    return context


def rebuilt(context: Context) -> Rows:
    """The marts after a build from scratch of the same input."""
    run_sql(context.settings, "DELETE FROM ops.model_build")
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


@pytest.mark.parametrize("place", ["model.after_dbt", "model.after_promote"])
def test_a_killed_build_is_done_again(built: Context, place: str) -> None:
    settings = built.settings
    before = read(settings)
    run_sql(settings, *CHANGES["late visit"](1), *CHANGES["deal changed hands"](2))
    arguments = [str(Path(__file__).parent), str(settings.home), str(settings.config), settings.warehouse_url]
    died = subprocess.run(
        [sys.executable, "-c", DYING, *arguments], env=os.environ | {"FAILPOINT": f"{place}:kill"}, check=False
    )
    assert died.returncode == -9
    if place == "model.after_dbt":
        assert read(settings) == before, "readers have the version before"
    run_sql(settings, *CHANGES["visit vanished"](3))
    assert journeys.run(built).changed
    after = read(settings)
    assert after != before
    assert after == rebuilt(built)


def test_a_whole_build_that_died_is_done_whole_again(
    settings: Settings, fill: Any, company: Any, context_of: Any
) -> None:
    fill(settings, **company)
    journeys.run(context_of(settings))
    before = read(settings)
    run_sql(settings, "DELETE FROM ops.model_build", "DELETE FROM marts_build.touchpoint")
    assert journeys.run(context_of(settings)).changed
    assert read(settings) == before


def test_back_to_the_version_before(built: Context) -> None:
    settings = built.settings
    before = read(settings)
    run_sql(settings, *CHANGES["deal changed hands"](1), *CHANGES["late visit"](2))
    journeys.run(built)
    newest = read(settings)
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
    assert after == rebuilt(built)


def test_the_published_copy_follows_and_the_one_before_stays(
    settings: Settings, fill: Any, company: Any, context_of: Any
) -> None:
    from rebuttal.warehouse import open_published
    from rebuttal.warehouse.publish import previous_path

    fill(settings, **company)
    context = context_of(settings)
    journeys.run(context)
    assert not previous_path(settings).exists()
    for change in ("late visit", "deal changed hands", "visit of nobody"):
        before = settings.published_path.read_bytes()
        run_sql(settings, *CHANGES[change](next(NUMBERS)))
        journeys.run(context)
        assert previous_path(settings).read_bytes() == before
        with open_published(settings) as engine, engine.connect() as connection:
            for name in MARTS:
                rows = connection.execute(text(f"SELECT * FROM marts.{name}")).all()
                assert sorted((tuple(row) for row in rows), key=repr) == read(settings)[name], (change, name)
