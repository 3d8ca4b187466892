"""The model stage on a small company, on DuckDB and on Postgres: equal marts, and a second run changes nothing."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from rebuttal import journeys
from rebuttal.clock import Clock
from rebuttal.context import Context
from rebuttal.errors import AbortError, ConfigError
from rebuttal.records import Report
from rebuttal.settings import PROJECT_ROOT, Settings
from rebuttal.warehouse import dbt, open_published, open_warehouse

MARTS = (
    *("person", "touchpoint", "journey", "deal", "attribution_credit", "attribution"),
    *("kpi_weekly", "kpi_daily", "funnel_weekly", "channel_performance"),
    *("unit_economics", "cohort", "ltv_predicted", "sales_velocity", "repeat_purchase", "nps_weekly"),
    *("channel_role", "journey_question"),
    *("channel_removal", "channel_detour", "source_window", "plan_pace", "goal_progress"),
)
MODELS = len(list(dbt.PROJECT.glob("models/*/*.sql")))
Row = dict[str, Any]


@dataclass
class Turned:
    """A company on one engine, after one run."""

    context: Context
    first: Report

    def rows(self, table: str) -> list[Row]:
        """All rows of a table, in a stable order, numbers as floats."""
        with open_warehouse(self.context.settings) as engine, engine.connect() as connection:
            found = [dict(row) for row in connection.execute(text(f"SELECT * FROM {table}")).mappings()]
        plain = [{k: float(v) if isinstance(v, Decimal) else v for k, v in row.items()} for row in found]
        return sorted(plain, key=lambda row: [str(value) for value in row.values()])

    def one(self, table: str, **where: Any) -> Row:
        """The one row that fits."""
        found = [row for row in self.rows(table) if all(row[key] == value for key, value in where.items())]
        assert len(found) == 1, found
        return found[0]


@pytest.fixture(scope="module")
def engines(
    tmp_path_factory: pytest.TempPathFactory, postgres_url: Callable[[], str], conftest_parts: Any
) -> dict[str, Turned]:
    """The same company on both engines."""
    found = {}
    for name in ("duckdb", "postgres"):
        home = tmp_path_factory.mktemp(name)
        url = postgres_url() if name == "postgres" else f"duckdb:///{home / 'warehouse.duckdb'}"
        settings = Settings(home, PROJECT_ROOT / "include" / "config", "http://x", url, "sqlite://")
        conftest_parts.fill(settings, **conftest_parts.company)
        context = conftest_parts.context_of(settings)
        found[name] = Turned(context, journeys.run(context))
    return found


@pytest.fixture(params=["duckdb", "postgres"])
def turned(request: pytest.FixtureRequest, engines: dict[str, Turned]) -> Turned:
    return engines[request.param]


@pytest.fixture
def another(turned: Turned, tmp_path: Path, postgres_copy: Callable[[str], str], conftest_parts: Any) -> Context:
    """The same company after its first run, to be changed."""
    built = turned.context.settings
    home = shutil.copytree(built.home, tmp_path / "another")
    is_file = built.warehouse_url.startswith("duckdb")
    url = f"duckdb:///{home / 'warehouse.duckdb'}" if is_file else postgres_copy(built.warehouse_url)
    found: Context = conftest_parts.context_of(replace(built, home=home, warehouse_url=url))
    return found


def test_the_engines_agree(engines: dict[str, Turned]) -> None:
    for mart in MARTS:
        duckdb, postgres = (engines[name].rows(f"marts.{mart}") for name in ("duckdb", "postgres"))
        # Three weeks hold no complete month, and without one nothing is said of lifetime value; no plan is loaded here.
        assert (len(duckdb) > 0) == (mart not in ("ltv_predicted", "plan_pace", "goal_progress")), mart
        assert [_nearly(row) for row in duckdb] == postgres, mart
    duckdb, postgres = (engines[name].rows("core.person_identifier") for name in ("duckdb", "postgres"))
    for row in (*duckdb, *postgres):
        assert row.pop("node_id"), "each engine numbers identifiers with a hash of its own"
    assert duckdb == postgres


def _nearly(row: Row) -> Row:
    """The engines may differ in the last digit of a float, and in nothing else."""
    return {key: pytest.approx(v, abs=1e-9) if isinstance(v, float) else v for key, v in row.items()}


def test_the_second_run_changes_nothing(turned: Turned) -> None:
    tables = [*(f"marts.{mart}" for mart in MARTS), "core.person_identifier", "core.identity_refusal"]
    tables += ["ops.publication", "ops.model_build", "ops.channel_rule", "ops.exchange_rate", "ops.lifecycle_stage"]
    before = {table: turned.rows(table) for table in tables}
    stamp = turned.context.settings.published_path.stat() if turned.context.settings.published_path.exists() else None
    report = journeys.run(turned.context)
    assert not report.changed
    assert report.counts["models"] == 0
    assert {table: turned.rows(table) for table in tables} == before
    if stamp:
        assert turned.context.settings.published_path.stat().st_mtime_ns == stamp.st_mtime_ns


def test_the_first_run_says_what_it_did(turned: Turned) -> None:
    assert turned.first.changed
    assert turned.first.counts["persons"] == 5
    assert turned.first.counts["models"] == MODELS
    assert turned.first.counts["tests"] > 50
    assert turned.first.counts["marts_changed"] == len(MARTS)


def test_readers_see_the_marts(turned: Turned) -> None:
    with open_published(turned.context.settings) as engine, engine.connect() as connection:
        assert connection.execute(text("SELECT count(*) FROM marts.kpi_weekly")).scalar_one() == 3
        assert connection.execute(text("SELECT count(*) FROM core.pipeline_stage")).scalar_one() == 5


@pytest.mark.parametrize(
    ("visit_id", "channel"),
    [
        ("1", "search_brand"),  # a registered link
        ("2", "direct"),
        ("3", "direct"),  # one's own page sends nobody
        ("4", "ai_assistant"),  # by its referrer
        ("5", "social"),
        ("6", "organic"),
        ("7", "search_generic"),  # a click id without tags
        ("8", "direct"),
    ],
)
def test_channels_of_visits(turned: Turned, visit_id: str, channel: str) -> None:
    assert turned.one("marts.touchpoint", visit_id=visit_id)["channel"] == channel


def test_nobody_is_lost_or_doubled(turned: Turned) -> None:
    visits = [row for row in turned.rows("marts.touchpoint") if row["kind"] == "visit"]
    assert len(visits) == 8
    assert [row["visit_id"] for row in visits if row["person_id"] is None] == ["8"]
    anna = turned.one("marts.person", contact_id="101")
    assert (anna["contact_count"], anna["device_count"], anna["segment"]) == (2, 2, "salon_owner")
    assert turned.one("marts.touchpoint", visit_id="1")["person_id"] == anna["person_id"]


def test_a_friend_is_a_touchpoint_and_a_note_earns_nothing(turned: Turned) -> None:
    dina = turned.one("marts.person", contact_id="103")["person_id"]
    told = turned.one("marts.touchpoint", person_id=dina)
    assert (told["kind"], told["channel"], told["source_kind"], told["is_credited"]) == (
        "survey", "offline", "crm", True,
    )  # fmt: skip
    assert turned.one("marts.touchpoint", kind="note")["is_credited"] is False
    call = turned.one("marts.touchpoint", kind="call")
    assert call["person_id"] == turned.one("marts.person", contact_id="102")["person_id"], "through its deal"


def test_journeys_lead_to_a_conversion_or_to_none(turned: Turned) -> None:
    boris = turned.one("marts.person", contact_id="102")["person_id"]
    lead = turned.one("marts.journey", person_id=boris, conversion_type="lead")
    assert (lead["path"], lead["conversion_type"], lead["touch_count"]) == (
        "ai_assistant > social > organic", "lead", 3,
    )  # fmt: skip
    unconverted = turned.one("marts.journey", is_converted=False)
    assert (unconverted["path"], unconverted["conversion_type"]) == ("search_generic", None)


def test_the_week_starts_on_monday_and_rates_without_denominator_are_missing(turned: Turned) -> None:
    first, second, running = (
        turned.one("marts.kpi_weekly", week_start=day)
        for day in (date(2026, 1, 5), date(2026, 1, 12), date(2026, 1, 19))
    )
    assert (first["visits"], first["leads"], first["mqls"], first["sqls"]) == (5, 2, 2, 1)
    assert (first["ad_cost_base"], first["cpc_base"], first["ctr"]) == (12, 3, 0.04)
    assert (first["deals_won"], first["win_rate"], first["revenue_base"], first["roas"]) == (0, None, 0, 0)
    assert (second["visits"], second["deals_won"], second["deals_lost"], second["win_rate"]) == (3, 1, 1, 0.5)
    assert second["revenue_base"] == 20.4
    assert (second["ad_cost_base"], second["roas"], second["missing_rate_count"]) == (None, None, 1)
    assert second["nps"] == 0
    assert (running["visits"], running["revenue_base"], running["missing_rate_count"]) == (None, None, 1)
    assert [row["is_complete"] for row in (first, second, running)] == [True, True, False]


def test_a_stage_that_was_jumped_over_was_passed(turned: Turned) -> None:
    funnel = {(row["week_start"].day, row["stage"]): row for row in turned.rows("marts.funnel_weekly")}
    assert funnel[5, "sql"]["entered_count"] == 1, "d1 went from new to offer"
    assert funnel[5, "proposal"]["entered_count"] == 1
    assert funnel[5, "sql"]["rate_from_previous"] == 0.5
    assert funnel[12, "sql"]["entered_count"] == 2, "d2, and d3 that was won without history"
    assert funnel[12, "sql"]["rate_from_previous"] is None


def test_deals_know_their_money_person_and_channel(turned: Turned) -> None:
    won, lost, odd, unnamed = (turned.one("marts.deal", deal_id=f"d{number}") for number in (1, 2, 3, 4))
    assert (won["outcome"], won["amount_base"], won["stage_label"], won["last_stage_before_loss"]) == (
        "won", 20.4, "Won", None,
    )  # fmt: skip
    assert (lost["outcome"], lost["last_stage_before_loss"], lost["channel"]) == ("lost", "qualified", "ai_assistant")
    assert (odd["amount_base"], odd["is_rate_missing"]) == (None, True)
    assert (unnamed["outcome"], unnamed["closed_at"], unnamed["channel"]) == ("open", None, "unknown")
    assert len(turned.rows("marts.deal")) == 4, "a deleted deal is none"


def test_channels_carry_cost_and_revenue(turned: Turned) -> None:
    brand = turned.one("marts.channel_performance", week_start=date(2026, 1, 5), channel="search_brand")
    assert (brand["visits"], brand["cost_base"], brand["leads"], brand["cost_per_lead_base"]) == (1, 12, 1, 12)
    later = turned.one("marts.channel_performance", week_start=date(2026, 1, 12), channel="search_brand")
    assert (later["deals_won"], later["revenue_base"], later["roas"]) == (1, 20.4, None)
    video = turned.one("marts.channel_performance", week_start=date(2026, 1, 12), channel="video")
    assert (video["impressions"], video["cost_base"]) == (10, None), "by its campaign's name; no rate"


def test_sums_over_channels_are_the_week(turned: Turned) -> None:
    weeks = {row["week_start"]: row for row in turned.rows("marts.kpi_weekly")}
    for day, week in weeks.items():
        parts = [row for row in turned.rows("marts.channel_performance") if row["week_start"] == day]
        assert len(parts) > 0
        for name in ("visits", "leads", "deals_won"):
            assert sum(row[name] for row in parts) == (week[name] or 0), (day, name)


@pytest.mark.parametrize("turned", ["duckdb"], indirect=True)
def test_only_what_changed_is_built_again(another: Context) -> None:
    context, settings = another, another.settings
    with open_warehouse(settings) as engine, engine.begin() as connection:
        connection.execute(text("UPDATE core.deal SET amount = 2000 WHERE deal_id = 'd1'"))
    report = journeys.run(context)
    assert report.counts["models"] == MODELS
    assert report.counts["changed_persons"] == 1
    assert report.counts["marts_changed"] == 7, (
        "deal, journey, credits, attribution, kpi by week and day, channels; not person or touch;"
        " the month's sums lack a rate anyway"
    )
    with open_published(settings) as engine, engine.connect() as connection:
        assert connection.execute(text("SELECT sum(revenue_base) FROM marts.kpi_weekly")).scalar_one() == Decimal(
            "40.8"
        )
    later_today = replace(context, clock=Clock.until(date(2026, 1, 22)))
    assert not journeys.run(later_today).changed, "the clock stands in no mart"
    next_week = replace(context, clock=Clock.until(date(2026, 1, 26)))
    assert journeys.run(next_week).counts["models"] == MODELS, "the running week has moved on"


def test_a_failed_build_leaves_the_marts_alone(another: Context) -> None:
    with open_warehouse(another.settings) as engine, engine.begin() as connection:
        before = connection.execute(text("SELECT * FROM marts.kpi_weekly ORDER BY 1")).all()
        connection.execute(text("UPDATE core.ad_performance SET clicks = 1000 WHERE ad_id = 'x'"))
    with pytest.raises(AbortError, match=r"within_kpi_weekly_ctr.* failed.*marts stay as they were"):
        journeys.run(another)
    with open_warehouse(another.settings) as engine, engine.connect() as connection:
        assert connection.execute(text("SELECT * FROM marts.kpi_weekly ORDER BY 1")).all() == before


def test_a_wrong_word_in_the_configuration_is_named(settings: Settings, context_of: Any, tmp_path: Path) -> None:
    folder = tmp_path / "config"
    folder.mkdir()
    for path in settings.config.glob("*.*"):
        (folder / path.name).write_bytes(path.read_bytes())
    (folder / "journey.yml").write_text((folder / "journey.yml").read_text() + "\nlookback_dais: 3\n")
    with pytest.raises(ConfigError, match=r"journey.yml: lookback_dais: .*did you mean 'lookback_days'"):
        journeys.run(context_of(replace(settings, config=folder)))
