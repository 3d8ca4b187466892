"""A pull against a fake vendor: a context, a quick and bounded configuration, and looks into the warehouse."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from sqlalchemy import text
from tests.sources.vendors import CANARY_EMAIL, CANARY_NAME, CANARY_PHONE, CANARY_TOKEN, NOW, Vendor, vendors
from tests.sources.wire import Wire, served

from rebuttal import sources
from rebuttal.clock import Clock
from rebuttal.connections import Connection
from rebuttal.context import Context
from rebuttal.records import Report
from rebuttal.settings import Settings
from rebuttal.sources import hubspot_reading, typeform, yclients
from rebuttal.warehouse import open_warehouse

KEY = b"an identity key for tests only"
QUICK = {
    "read_seconds": 5,
    "total_seconds": 5,
    "attempts": 4,
    "backoff_seconds": 0.01,
    "backoff_cap_seconds": 0.02,
    "wait_budget_seconds": 1.5,
    "prepare_seconds": 5,
    "max_pages": 50,
}


@dataclass
class Setup:
    """One source on a fake vendor."""

    wire: Wire
    vendor: Vendor
    context: Context

    def pull(self, **arguments: Any) -> Report:
        return sources.run(self.context, self.vendor.source, **arguments)

    def query(self, statement: str) -> list[tuple[Any, ...]]:
        with open_warehouse(self.context.settings) as engine, engine.connect() as connection:
            return [tuple(row) for row in connection.execute(text(statement))]

    def rows(self, stream: str, columns: str = "*") -> list[tuple[Any, ...]]:
        return self.query(f'SELECT {columns} FROM landing."{self.vendor.source}__{stream}" ORDER BY _batch_id, _row')

    def totals(self) -> dict[str, float]:
        """What the vendor said that its rows add up to, by measure."""
        return {measure: float(total) for measure, total in self.query("select measure, total from ops.vendor_total")}

    def at(self, clock: Clock) -> Setup:
        return replace(self, context=replace(self.context, clock=clock))

    def tables(self) -> dict[str, list[tuple[Any, ...]]]:
        """Every table of landing and ops, whole."""
        listed = (
            "SELECT table_schema, table_name FROM information_schema.tables WHERE table_schema IN ('landing', 'ops')"
        )
        with open_warehouse(self.context.settings) as engine, engine.connect() as connection:
            names = connection.execute(text(listed)).all()
            assert names
            return {
                f"{s}.{t}": sorted(
                    (tuple(row) for row in connection.execute(text(f'SELECT * FROM "{s}"."{t}"'))), key=repr
                )
                for s, t in names
            }


def write_config(folder: Path, **changes: Any) -> Path:
    """A sources.yml for tests in a new folder."""
    folder.mkdir(exist_ok=True)
    forms = {"nps7Qx": "nps", "lost3Kd": "lost_deal", "exitZ9m": "exit"}
    branches = {"branches": {"101": "a", "102": "b"}, "currencies": {"101": "UAH", "102": "EUR"}}
    part: dict[str, Any] = {name: {} for name in sources.registry()}
    part |= {"typeform": {"options": {"forms": forms}}, "yclients": {"options": branches}}
    data = {"history_days": 40, "phone_regions": ["UA"], "limits": QUICK, "sources": part, **changes}
    (folder / "sources.yml").write_text(yaml.safe_dump(data), encoding="utf-8")
    return folder


def make_context(settings: Settings, wire: Wire, vendor: Vendor, token: str = CANARY_TOKEN) -> Context:
    def resolve(connection_id: str) -> Connection:
        assert connection_id == vendor.source
        return Connection(connection_id, host=wire.base, password=token, extra=vendor.extra)

    return Context(settings, Clock(NOW), resolve, KEY)


@pytest.fixture(autouse=True)
def nothing_told(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """No log line of any test here may hold a token or a person, whatever goes wrong in it."""
    caplog.set_level(logging.DEBUG)
    yield
    told = "\n".join(
        f"{record.name} {record.getMessage()} {record.exc_text or ''}"
        for when in ("setup", "call", "teardown")
        for record in caplog.get_records(when)
    )
    for canary in (CANARY_TOKEN, CANARY_EMAIL, CANARY_PHONE, CANARY_NAME):
        assert canary not in told


@pytest.fixture(autouse=True)
def no_polite_gaps(monkeypatch: pytest.MonkeyPatch) -> None:
    """The vendors here have no limits of their own."""
    monkeypatch.setattr(typeform, "SECONDS_BETWEEN_CALLS", 0.0)
    monkeypatch.setattr(yclients, "SECONDS_BETWEEN_CALLS", 0.0)
    monkeypatch.setattr(hubspot_reading, "SECONDS_BETWEEN_SEARCHES", 0.0)


def setup_of(settings: Settings, tmp_path: Path, source: str, **config: Any) -> Iterator[Setup]:
    vendor = vendors()[source]
    settings = replace(settings, config=write_config(tmp_path / "config", **config))
    with served(Wire(CANARY_TOKEN)) as wire:
        vendor.route(wire, vendor)
        yield Setup(wire, vendor, make_context(settings, wire, vendor))


@pytest.fixture(params=list(vendors()))
def each(request: pytest.FixtureRequest, settings: Settings, tmp_path: Path) -> Iterator[Setup]:
    """Every source, on DuckDB."""
    yield from setup_of(settings, tmp_path, request.param)


@pytest.fixture(params=list(vendors()))
def each_anywhere(request: pytest.FixtureRequest, any_settings: Settings, tmp_path: Path) -> Iterator[Setup]:
    """Every source, on DuckDB and on Postgres."""
    yield from setup_of(any_settings, tmp_path, request.param)


@pytest.fixture
def make_setup(settings: Settings, tmp_path: Path) -> Iterator[Any]:
    """A function that sets one source up, with changes to the configuration."""
    made: list[Iterator[Setup]] = []

    def make(source: str, **config: Any) -> Setup:
        made.append(setup_of(settings, tmp_path, source, **config))
        return next(made[-1])

    yield make
    for one in made:
        one.close()  # type: ignore[attr-defined]


@pytest.fixture(scope="session")
def are_stores_made() -> bool:
    """How they are made is not what these tests are about."""
    return True
