"""A company of some dozens of rows in a sandbox of this process, pulled and admitted over real HTTP."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

sys.path.append(str(Path(__file__).parents[1] / "sandbox"))

from serving import Served, start

from rebuttal import quality, sources
from rebuttal.clock import Clock
from rebuttal.connections import from_environment
from rebuttal.context import Context
from rebuttal.settings import PROJECT_ROOT, Settings
from rebuttal.warehouse import open_warehouse

NOW = datetime(2026, 10, 13, tzinfo=UTC)
KEY = b"an identity key for tests only"


@dataclass
class Company:
    """A running sandbox, and a context that speaks to it."""

    served: Served
    context: Context

    def query(self, statement: str) -> list[tuple[Any, ...]]:
        with open_warehouse(self.context.settings) as engine, engine.connect() as connection:
            return [tuple(row) for row in connection.execute(text(statement))]

    def lose(self, **asked: Any) -> dict[str, Any]:
        return self.served.operate("lose-deal", asked)  # type: ignore[no-any-return]

    def everything(self) -> dict[str, list[tuple[Any, ...]]]:
        """All rows of core and of the book of batches, for comparison."""
        tables = self.query(
            "select table_schema || '.' || table_name from information_schema.tables"
            " where table_schema in ('core', 'ops', 'landing') and table_type = 'BASE TABLE' order by 1"
        )
        return {name: sorted(map(repr, self.query(f"select * from {name}"))) for (name,) in tables}


def company_of(settings: Settings, served: Served) -> Company:
    here = replace(settings, sandbox_url=served.url)
    return Company(served, Context(here, Clock(NOW), from_environment(here, {}), KEY))


@pytest.fixture(scope="module", params=["duckdb", "postgres"])
def company(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Company]:
    """Its CRM and surveys, pulled and admitted; one for a module, whose tests lose different deals."""
    home = tmp_path_factory.mktemp("company")
    is_file = request.param == "duckdb"
    warehouse = f"duckdb:///{home / 'warehouse.duckdb'}" if is_file else request.getfixturevalue("postgres_url")()
    settings = Settings(home, PROJECT_ROOT / "include/config", "", warehouse, f"sqlite:///{home / 'state.sqlite'}")
    running = start()
    made = company_of(settings, running)
    for source in ("hubspot", "typeform"):
        assert sources.run(made.context, source).problems == []
    assert quality.run(made.context).problems == []
    yield made
    running.stop()


@pytest.fixture(scope="session")
def are_stores_made() -> bool:
    """How they are made is not what these tests are about."""
    return True
