"""The judges of the model see what goes wrong: each case spoils the marts in one way, and one measure must tell."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from bench.company import World, company
from bench.judges import Measures, judge_model
from bench.judges.attribution import distance
from bench.judges.journeys import differs, links_of, tells_channel
from bench.judges.ltv import days_to_run, ltv
from bench.judges.marts import Touchpoint, attribution
from bench.judges.measure import query_of
from bench.truth import pull_and_admit
from sqlalchemy import Connection, create_engine

from sandbox.world import build

WORLD = World(110, weeks=5, scale=0.25)


@dataclass(frozen=True)
class Modelled:
    """A warehouse after `pull`, `admit` and `model`, the truth beside it, and what the judges say of it."""

    warehouse: Path
    truth: dict[str, Any]
    measures: Measures


@contextmanager
def opened(warehouse: Path, *, read_only: bool = True) -> Iterator[Connection]:
    engine = create_engine(f"duckdb:///{warehouse}", connect_args={"read_only": read_only})
    with engine.begin() as connection:
        yield connection
    engine.dispose()


@pytest.fixture(scope="module")
def modelled(tmp_path_factory: pytest.TempPathFactory) -> Modelled:
    home = tmp_path_factory.mktemp("model")
    with company(home, WORLD) as place:
        pull_and_admit(place)
        place.run("model", "--until", WORLD.until)
        truth = place.truth(counterfactuals=True)
    with opened(home / "warehouse.duckdb") as connection:
        return Modelled(home / "warehouse.duckdb", truth, judge_model(connection, truth))


def test_all_that_is_promised_is_measured(modelled: Modelled) -> None:
    measured = {name for name, value in modelled.measures.items() if value is not None}
    assert {
        "identity_precision",
        "identity_recall_knowable",
        "journeys_equal",
        "bookings_told_right",
        "orders_months_equal",
    } <= measured
    assert {"spend_google-ads_months_equal", "spend_yandex-direct_months_equal", "revenue_months_equal"} <= measured
    for model in ("first", "last", "last_non_direct", "linear", "time_decay", "position_based"):
        assert {f"attribution_{model}_{what}_lower_is_better" for what in ("distance", "revenue_distance")} <= measured
    assert modelled.measures["journeys_equal"] == 1
    assert modelled.measures["mql_dates_equal"] == 1
    observed = modelled.measures["journeys_observed_people"]
    assert observed is not None
    assert observed > 50


ANY_CLIENT = "identifier_kind = 'client_id'"
# What is done to the warehouse -> the measure that must become worse.
CASES = {
    "everybody is one": ("UPDATE core.person_identifier SET person_id = 'p'", "identity_precision"),
    "nobody is joined": ("UPDATE core.person_identifier SET person_id = identifier", "identity_recall_knowable"),
    "no device is known": (f"DELETE FROM core.person_identifier WHERE {ANY_CLIENT}", "journeys_equal"),
    "another channel": ("UPDATE marts.touchpoint SET channel = 'video'", "journeys_equal"),
    "a second late": (
        "UPDATE marts.touchpoint SET occurred_at = occurred_at + interval 1 second",
        "journeys_differ_by_time_lower_is_better",
    ),
    "somebody else's touches": (
        "UPDATE marts.touchpoint SET person_id = (SELECT min(person_id) FROM marts.touchpoint)",
        "journeys_equal",
    ),
    "touches without credit": ("UPDATE marts.touchpoint SET is_credited = false", "journeys_equal"),
    "an MQL a day late": (
        "UPDATE marts.journey SET ended_at = ended_at + interval 1 day WHERE conversion_type = 'mql'",
        "mql_dates_equal",
    ),
    "a cent of spend": (
        "UPDATE core.ad_performance SET cost = cost + 0.01 WHERE ad_id = (SELECT min(ad_id) FROM "
        "core.ad_performance WHERE source = 'google_ads') AND source = 'google_ads'",
        "spend_google-ads_months_equal",
    ),
    "a cent of revenue": (
        "UPDATE marts.deal SET amount = amount + 0.01 WHERE deal_id = (SELECT min(deal_id) FROM marts.deal "
        "WHERE outcome = 'won')",
        "revenue_months_equal",
    ),
    "revenue in another month": (
        "UPDATE marts.deal SET closed_at = closed_at - interval 40 day WHERE deal_id = (SELECT min(deal_id) "
        "FROM marts.deal WHERE outcome = 'won')",
        "revenue_in_true_month",
    ),
    "an order less": (
        "UPDATE marts.deal SET outcome = 'open' WHERE deal_id = (SELECT min(deal_id) FROM marts.deal "
        "WHERE outcome = 'won')",
        "orders_months_equal",
    ),
    "a booking lost": (
        "DELETE FROM core.booking WHERE booking_id = (SELECT min(booking_id) FROM core.booking)",
        "bookings_lost_lower_is_better",
    ),
    "a booking in another word": (
        "UPDATE core.booking SET status = 'was here' WHERE booking_id = (SELECT min(booking_id) FROM core.booking)",
        "bookings_told_right",
    ),
    "a booking of another salon": (
        "UPDATE core.booking SET partner_id = 'salon-99' WHERE booking_id = (SELECT min(booking_id) FROM core.booking)",
        "bookings_told_right",
    ),
    "all credit to what nobody uses": (
        "UPDATE marts.attribution SET {channel} = 'offline_events' WHERE model = 'linear'",
        "attribution_linear_distance_lower_is_better",
    ),
    "all money to what nobody uses": (
        "UPDATE marts.attribution SET {channel} = 'offline_events' WHERE model = 'linear'",
        "attribution_linear_revenue_distance_lower_is_better",
    ),
}


@pytest.fixture
def spoilt(modelled: Modelled, tmp_path: Path) -> Path:
    copy = tmp_path / "warehouse.duckdb"
    shutil.copy(modelled.warehouse, copy)
    return copy


@pytest.mark.parametrize("case", CASES)
def test_the_judge_tells(case: str, modelled: Modelled, spoilt: Path) -> None:
    statement, name = CASES[case]
    with opened(spoilt, read_only=False) as connection:
        held = {row[0] for row in connection.exec_driver_sql("DESCRIBE marts.attribution").fetchall()}
        statement = statement.format(channel="name" if "name" in held else "channel")
        changed = connection.exec_driver_sql(statement).fetchall()
    assert changed[0][0] > 0, "the case spoils nothing"
    with opened(spoilt) as connection:
        value = judge_model(connection, modelled.truth)[name]
    before = modelled.measures[name]
    assert value is not None
    assert before is not None
    assert value > before if name.endswith("lower_is_better") else value < before


def test_a_model_that_is_new_to_the_mart_is_judged(modelled: Modelled, spoilt: Path) -> None:
    with opened(spoilt, read_only=False) as connection:
        columns = "* REPLACE ('markov_9' AS model)"
        connection.exec_driver_sql(
            f"INSERT INTO marts.attribution SELECT {columns} FROM marts.attribution WHERE model = 'first'"
        )
    with opened(spoilt) as connection:
        measures = judge_model(connection, modelled.truth)
    assert measures["attribution_markov_9_distance_lower_is_better"] is not None
    assert (
        measures["attribution_markov_9_distance_lower_is_better"]
        == measures["attribution_first_distance_lower_is_better"]
    )


def test_predictions_are_judged_by_what_came_when_the_world_ran_on(modelled: Modelled, spoilt: Path) -> None:
    """The cohort of October is predicted to bring 100 a head in its first three months after November."""
    simulation = build(WORLD.seed, WORLD.weeks, date.fromisoformat(WORLD.until), WORLD.scale)
    simulation.advance(120, [])
    later = json.loads(json.dumps(simulation.truth(False)))
    with opened(spoilt, read_only=False) as connection:
        connection.exec_driver_sql("DROP TABLE IF EXISTS marts.ltv_predicted")
        connection.exec_driver_sql(
            "CREATE TABLE marts.ltv_predicted AS SELECT DATE '2026-10-01' AS cohort_month, 'all' AS segment, "
            "7 AS customers, 1 AS observed_months, 4 AS horizon_months, 500.0 AS ltv_observed_base, "
            "600.0 AS ltv_predicted_base, 500.0 AS ltv_low_base, 700.0 AS ltv_high_base"
        )
    with opened(spoilt) as connection:
        query = query_of(connection)
        assert days_to_run(query, modelled.truth) == (date(2027, 3, 1) - date(2026, 11, 16)).days + 1
        measures = ltv(query, modelled.truth, later)
    won = [row for row in later["deals"] if row["recorded"]["outcome"] == "won"]
    months = {row["deal_id"]: row["recorded"]["closed_at"][:7] for row in won}
    before = [row for row in modelled.truth["deals"] if row["recorded"]["outcome"] == "won"]
    firsts = {who: min(row["recorded"]["closed_at"] for row in before if row["person"] == who)
              for who in {row["person"] for row in before}}  # fmt: skip
    cohort = {who for who, at in firsts.items() if at.startswith("2026-10")}
    came = [
        float(row["recorded"]["amount"]) * later["eur_per_unit"][row["currency"]]
        for row in won
        if row["person"] in cohort and months[row["deal_id"]] in ("2026-12", "2027-01", "2027-02")
    ]
    assert len(came) > 0
    assert measures["ltv_cohorts"] == 1
    assert measures["ltv_total_ratio"] == pytest.approx(700 / sum(came))
    assert measures["ltv_error_lower_is_better"] == pytest.approx(abs(700 - sum(came)) / sum(came))
    assert measures["ltv_in_range"] == (1 if sum(came) <= 1400 else 0)


def test_of_a_mart_with_several_dimensions_and_periods_one_is_judged(modelled: Modelled, spoilt: Path) -> None:
    with opened(spoilt, read_only=False) as connection:
        before = attribution(query_of(connection))
        columns = {row[0] for row in connection.exec_driver_sql("DESCRIBE marts.attribution").fetchall()}
        if "dimension" not in columns:
            connection.exec_driver_sql(
                "CREATE OR REPLACE TABLE marts.attribution AS SELECT 'all' AS period_kind, 'channel' AS dimension, "
                "channel AS name, * EXCLUDE (channel) FROM marts.attribution"
            )
        for changed in ("'week' AS period_kind", "'campaign' AS dimension"):
            connection.exec_driver_sql(
                f"INSERT INTO marts.attribution SELECT * REPLACE ({changed}) FROM marts.attribution "
                "WHERE period_kind = 'all' AND dimension = 'channel'"
            )
    with opened(spoilt) as connection:
        assert attribution(query_of(connection)) == before
    assert before


def test_reasons_name_what_differs() -> None:
    plain = {"click_id_arrived": False, "arrived": {}, "referrer": "https://l.instagram.com/", "channel": "social"}
    visits: dict[str, Any] = {
        "1": {**plain, "person": "a", "tag_fault": ""},
        "2": {**plain, "person": "a", "tag_fault": "missing"},
        "3": {**plain, "person": "b", "tag_fault": ""},
    }
    row = {"person": "a", "journey": [
        {"at": "2026-10-01T10:00:00.000Z", "channel": "social", "visits": ["1"]},
        {"at": "2026-10-02T10:00:00.000Z", "channel": "word_of_mouth", "visits": ["2"]},
    ]}  # fmt: skip

    def touch(visit: str, day: int, channel: str, kind: str = "visit", hour: int = 10) -> Touchpoint:
        return Touchpoint("p", datetime(2026, 10, day, hour, tzinfo=UTC), channel, kind, visit, True)

    first, second = touch("1", 1, "social"), touch("2", 2, "offline")
    assert differs(row, [first, second], visits) == ""
    assert differs(row, [touch("", 1, "video", "survey"), first, second], visits) == "", "no visit, so not compared"
    assert differs(row, [first, second, touch("3", 3, "email")], visits) == "glued"
    assert differs(row, [second], visits) == "missing"
    assert differs(row, [first, touch("2", 2, "search_generic")], visits) == "untold"
    assert differs(row, [touch("1", 1, "direct"), second], visits) == "channel"
    cased = visits | {"1": {**visits["1"], "tag_fault": "case"}}
    assert differs(row, [touch("1", 1, "direct"), second], cased) == "tags"
    assert differs(row, [touch("1", 1, "social", hour=11), second], visits) == "time"
    assert differs(row, [first, second, touch("9", 3, "email")], visits) == "added"
    halves = {**row, "journey": [{**row["journey"][0], "visits": ["1", "4"]}, row["journey"][1]]}
    assert differs(halves, [first, touch("4", 1, "direct", hour=12), second], visits) == "midnight"


def test_a_visit_tells_its_channel_by_what_arrived() -> None:
    silent = {"click_id_arrived": False, "arrived": {}, "referrer": "", "channel": "email", "tag_fault": "stripped"}
    assert not tells_channel(silent, set())
    assert tells_channel({**silent, "channel": "direct", "tag_fault": ""}, set())
    lost = {**silent, "referrer": "https://www.google.com/", "channel": "search_brand", "tag_fault": "missing"}
    assert not tells_channel(lost, set())
    assert tells_channel({**lost, "click_id_arrived": True}, set()), "the platform says whose click it was"
    assert not tells_channel({**lost, "arrived": {"utm_source": "yandex"}, "tag_fault": "contradicts_click"}, set())


def test_a_misspelt_tag_tells_nothing_where_the_others_are_shared() -> None:
    def visit(campaign: str, channel: str, arrived: str = "") -> dict[str, Any]:
        tags = {"utm_source": "google", "utm_medium": "display", "utm_campaign": campaign}
        fault, came = "misspelt" if arrived else "", {**tags, "utm_campaign": arrived or campaign}
        return {"click_id_arrived": False, "referrer": "", "channel": channel, "tag_fault": fault, "tags": tags,
                "arrived": came}  # fmt: skip

    slip = visit("rmk_visitors", "remarketing", "rmk-visitors")
    alone = {"1": visit("rmk_visitors", "remarketing")}
    assert tells_channel(slip, links_of(alone))
    assert not tells_channel(slip, links_of(alone | {"2": visit("lookalike", "display")}))


def test_distance_is_half_of_what_shares_differ_by() -> None:
    assert distance({"a": 1, "b": 3}, {"a": 1, "b": 3}) == 0
    assert distance({"a": 5}, {"b": 2}) == 1
    assert distance({"a": 1, "b": 1}, {"a": 1}) == pytest.approx(0.5)
    assert distance({"a": 1, "unknown": 9}, {"a": 1}) == 0
    assert distance({"unknown": 9}, {"a": 1}) is None
    assert distance({"a": 1, "b": -3}, {"a": 1}) == 0
    assert distance({"a": 1}, {"a": 0.0}) is None
