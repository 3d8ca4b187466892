"""Incremental builds: only what changed is made again, and the marts are those of a build from scratch, to the row."""

from __future__ import annotations

import pytest
from sqlalchemy import text
from tests.journeys.counted_cases import kept, said
from tests.journeys.refresh_cases import (
    BY_PERSON,
    CHANGES,
    FOLLOWING,
    MARTS,
    NUMBERS,
    differing_persons,
    histories,
    persons_of,
    read,
    run_sql,
)

from rebuttal import journeys
from rebuttal.context import Context
from rebuttal.journeys import model as journeys_model
from rebuttal.journeys.configuration import load_model_config
from rebuttal.records import Report
from rebuttal.warehouse import open_warehouse


def visits_in(built: Context, table: str) -> list[tuple[str, str]]:
    """Key and batch of every visit, in core or among what the marts are made of."""
    key = "'visit:' || source || ':' || account_id || ':' || visit_id" if table == "core.visit" else "input_key"
    scope = "TRUE" if table == "core.visit" else "entity = 'visit'"
    with open_warehouse(built.settings) as engine, engine.connect() as connection:
        rows = connection.execute(text(f"SELECT {key}, batch_id FROM {table} WHERE {scope}")).all()
    return sorted((str(row[0]), str(row[1])) for row in rows)


@pytest.mark.parametrize("number", [0, 1])
def test_incremental_equals_a_build_from_scratch(built: Context, number: int) -> None:
    history = histories()[number]
    for turn in history:
        for name in turn:
            run_sql(built.settings, *CHANGES[name](next(NUMBERS)))
        journeys.run(built)
    assert visits_in(built, "ops.model_input") == visits_in(built, "core.visit")
    incremental, following = read(built.settings), read(built.settings, "marts_build", FOLLOWING)
    assert all(following.values())
    assert all(rows for rows in incremental.values())
    assert journeys.run(built).changed is False
    counted = kept(built)
    # A whole build that died half-way leaves this; what it leaves is built whole again.
    run_sql(built.settings, "DELETE FROM ops.model_build", "DELETE FROM marts_build.touchpoint")
    assert journeys.run(built).counts["marts_changed"] == 0, "the build from scratch says the same"
    whole = read(built.settings)
    assert following == read(built.settings, "marts_build", FOLLOWING)
    for mart in MARTS:
        assert incremental[mart] == whole[mart], (mart, history)
    anew = kept(built)
    assert (said(counted.converted), said(counted.known)) == (said(anew.converted), said(anew.known))
    assert counted.touch_count == anew.touch_count > 0


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
