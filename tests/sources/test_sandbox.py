"""All sources against the sandbox, which keeps the vendors' contracts: over real HTTP, with and without faults."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import requests
import yaml
from sqlalchemy import text
from tests.sources.conftest import KEY, QUICK, write_config

from rebuttal import quality, sources
from rebuttal.clock import Clock
from rebuttal.connections import from_environment
from rebuttal.context import Context
from rebuttal.records import Report
from rebuttal.settings import PROJECT_ROOT, Settings
from rebuttal.warehouse import open_warehouse

UNTIL = date(2026, 11, 15)
STREAMS = 17
# Of the fault profile `hostile`, what happens on the wire; each faulty call gets through after three tries.
WIRE_FAULTS = (
    "throttle",
    "error_500",
    "error_502",
    "error_503",
    "error_page",
    "empty",
    "cut_length",
    "cut_chunk",
    "reset",
)


@dataclass
class Sandbox:
    """A running sandbox, and pulls from it."""

    url: str

    def context(self, settings: Settings, tmp_path: Path, until: date = UNTIL) -> Context:
        own = yaml.safe_load((PROJECT_ROOT / "include/config/sources.yml").read_text(encoding="utf-8"))["sources"]
        limits = {**QUICK, "wait_budget_seconds": 60}
        part = {name: {} for name in sources.registry()} | {
            name: own[name] for name in ("google_ads", "typeform", "yclients")
        }
        folder = write_config(tmp_path / "config", history_days=60, limits=limits, sources=part)
        (folder / "connections.env").write_bytes((PROJECT_ROOT / "include/config/connections.env").read_bytes())
        settings = replace(settings, config=folder, sandbox_url=self.url)
        return Context(settings, Clock.until(until), from_environment(settings, {}), KEY)

    def operate(self, path: str, data: dict[str, Any]) -> None:
        requests.post(f"{self.url}/_sandbox/{path}", json=data, timeout=60).raise_for_status()

    def calls(self) -> dict[str, dict[str, int]]:
        return requests.get(f"{self.url}/_sandbox/requests", timeout=60).json()  # type: ignore[no-any-return]


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    arguments = ["serve", "--seed", "3", "--weeks", "3", "--until", UNTIL.isoformat(), "--scale", "0.1", "--port", "0"]
    process = subprocess.Popen(
        [sys.executable, "-m", "sandbox", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        cwd=tmp_path_factory.mktemp("sandbox"),
    )
    try:
        assert process.stdout is not None
        told = ""
        while "ready at" not in told:
            told = process.stdout.readline()
            assert told, "the sandbox did not start"
        found = re.search(r"http://[\d.]+:\d+", told)
        assert found
        yield Sandbox(found[0])
    finally:
        process.terminate()
        process.wait(30)


def landed(context: Context) -> dict[str, list[tuple[str, str]]]:
    """Stream -> (key, row hash) of all landed rows."""
    found = {}
    with open_warehouse(context.settings) as engine, engine.connect() as connection:
        for source in sources.registry().values():
            for stream in source.streams:
                rows = connection.execute(text(f'SELECT _key, _row_hash FROM landing."{source.name}__{stream.name}"'))
                found[f"{source.name}.{stream.name}"] = sorted(tuple(row) for row in rows)
    return found


def fine(report: Report) -> Report:
    assert report.problems == []
    assert len(report.details) == STREAMS
    return report


@pytest.fixture(scope="module")
def pulled(sandbox: Sandbox, tmp_path_factory: pytest.TempPathFactory) -> Context:
    """Of a pull without any fault, on DuckDB."""
    home = tmp_path_factory.mktemp("undisturbed")
    settings = Settings(home, home, "", f"duckdb:///{home / 'warehouse.duckdb'}", f"sqlite:///{home / 'state.sqlite'}")
    context = sandbox.context(settings, home)
    report = fine(sources.run(context))
    assert {detail["status"] for detail in report.details} == {"landed"}
    assert [detail for detail in report.details if detail["extra_fields"] or detail["defects"]] == []
    return context


@pytest.fixture(scope="module")
def undisturbed(pulled: Context) -> dict[str, list[tuple[str, str]]]:
    """What it lands."""
    return landed(pulled)


def test_every_stream_lands_and_a_second_pull_changes_nothing(
    pulled: Context, undisturbed: dict[str, list[tuple[str, str]]]
) -> None:
    assert min(len(rows) for rows in undisturbed.values()) >= 3
    assert not fine(sources.run(pulled)).changed
    assert landed(pulled) == undisturbed


def test_both_engines_hold_the_same(
    sandbox: Sandbox,
    settings: Settings,
    tmp_path: Path,
    postgres_url: Callable[[], str],
    undisturbed: dict[str, list[tuple[str, str]]],
) -> None:
    context = sandbox.context(replace(settings, warehouse_url=postgres_url()), tmp_path)
    fine(sources.run(context))
    assert landed(context) == undisturbed
    assert not fine(sources.run(context)).changed


def test_a_hostile_wire_lands_the_same(
    sandbox: Sandbox, settings: Settings, tmp_path: Path, undisturbed: dict[str, list[tuple[str, str]]]
) -> None:
    sandbox.operate("faults", {"values": dict.fromkeys(WIRE_FAULTS, 0.03)})
    try:
        context = sandbox.context(settings, tmp_path)
        fine(sources.run(context))
    finally:
        sandbox.operate("faults", {"profile": "none"})
    assert landed(context) == undisturbed


def test_faulty_rows_land_with_their_defect_and_the_rest_goes_on(
    sandbox: Sandbox, settings: Settings, tmp_path: Path, undisturbed: dict[str, list[tuple[str, str]]]
) -> None:
    faults = ("broken_utf8", "huge_text", "hostile_text", "impossible_date", "clicks_above_impressions")
    sandbox.operate("faults", {"values": dict.fromkeys(faults, 1)})
    try:
        context = sandbox.context(settings, tmp_path)
        report = fine(sources.run(context))
    finally:
        sandbox.operate("faults", {"profile": "none"})
    defects = {detail["stream"]: detail["defects"] for detail in report.details if detail["defects"]}
    assert defects == {"notes": {"encoding": 1, "oversize": 1}}
    found = landed(context)
    assert {name: len(rows) for name, rows in found.items()} == {name: len(rows) for name, rows in undisturbed.items()}
    changed = {name for name in found if found[name] != undisturbed[name]}
    assert changed == {
        "hubspot.notes",
        "hubspot.deals",
        "google_ads.ad_performance",
        "yandex_direct.ad_performance",
    }


def test_the_next_week_is_pulled_from_the_watermark_and_the_truth_is_never_read(
    sandbox: Sandbox, settings: Settings, tmp_path: Path, undisturbed: dict[str, list[tuple[str, str]]]
) -> None:
    context = sandbox.context(settings, tmp_path, date(2026, 11, 8))
    fine(sources.run(context))
    later = sandbox.context(settings, tmp_path)
    report = fine(sources.run(later))
    windows = {detail["stream"]: detail["window"] for detail in report.details if detail["source"] == "yandex_metrica"}
    assert windows == {"visits": "2026-11-06..2026-11-15", "hits": "2026-11-06..2026-11-15"}
    found = landed(later)
    # Two pulls hold what one pull of both weeks holds (and a week more of the past: their history began earlier).
    assert [name for name, rows in undisturbed.items() if set(rows) - set(found[name])] == []
    operated = sandbox.calls()["_sandbox"]
    assert not any("truth" in path for path in operated)


_ADS = {"impressions": "impressions", "clicks": "clicks", "cost": "cost_micros"}
_TOTALS = {
    "google_ads.ad_performance": _ADS,
    "yandex_direct.ad_performance": _ADS,
    "ga4.traffic": {name: name for name in ("sessions", "engaged_sessions", "key_events")},
    "yandex_metrica.visits": {"records": ""},
}


@pytest.mark.parametrize("stream", _TOTALS)
def test_the_vendors_own_totals_come_with_the_rows(
    sandbox: Sandbox, settings: Settings, tmp_path: Path, stream: str
) -> None:
    source, _, name = stream.partition(".")
    sandbox.operate("faults", {"profile": "none"})
    report = sources.run(sandbox.context(settings, tmp_path), source=source)
    assert report.problems == []
    added = [
        f"sum(cast({column} as double)) / {1e6 if measure == 'cost' else 1}" if column else "count(distinct _key)"
        for measure, column in _TOTALS[stream].items()
    ]
    with open_warehouse(settings) as engine, engine.connect() as connection:
        told = text(
            "select measure, cast(total as double) from ops.vendor_total natural join ops.batch where stream = :s"
        )
        found = dict(connection.execute(told, {"s": name}).all())
        sums = connection.execute(text(f"select {', '.join(added)} from landing.{source}__{name}")).one()
    assert min(sums) > 0
    assert found == {
        measure: pytest.approx(total, abs=1e-6) for measure, total in zip(_TOTALS[stream], sums, strict=True)
    }


@pytest.mark.parametrize("stream", _TOTALS)
def test_totals_that_the_rows_do_not_add_up_to_hold_the_batch(
    sandbox: Sandbox, settings: Settings, tmp_path: Path, stream: str
) -> None:
    source, _, name = stream.partition(".")
    sandbox.operate("faults", {"profile": "none", "values": {"totals_off": 0.1}})
    context = sandbox.context(settings, tmp_path)
    shutil.copy(PROJECT_ROOT / "include/config/utm.yml", context.settings.config)
    sources.run(context, source=source)
    sandbox.operate("faults", {"profile": "none"})
    quality.run(context)
    with open_warehouse(settings) as engine, engine.connect() as connection:
        held = connection.execute(text("select stream, status_reason from ops.batch where status = 'held'")).all()
    assert [stream for stream, _ in held] == [name]
    assert "totals_agree" in held[0].status_reason
