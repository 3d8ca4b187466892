"""Both state stores, and events to put into them."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from sqlalchemy import delete

from rebuttal.inbox import Arrival
from rebuttal.settings import Settings
from rebuttal.state import InboxEvent, Sessions, open_state

MakeArrival = Callable[..., Arrival]


@pytest.fixture(params=["sqlite", "postgres"])
def state_settings(request: pytest.FixtureRequest, settings: Settings) -> Settings:
    """Settings whose state store is SQLite, then Postgres."""
    url = settings.state_url if request.param == "sqlite" else request.getfixturevalue("postgres_url")()
    return Settings(settings.home, settings.config, settings.sandbox_url, settings.warehouse_url, url)


@pytest.fixture(scope="module", params=["sqlite", "postgres"])
def opened(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sessions]:
    """A state store for a whole file: SQLite, then Postgres."""
    home = tmp_path_factory.mktemp("state")
    is_file = request.param == "sqlite"
    url = f"sqlite:///{home / 'state.sqlite'}" if is_file else request.getfixturevalue("postgres_url")()
    with open_state(Settings(home, home, "", f"duckdb:///{home / 'w.duckdb'}", url)) as found:
        yield found


@pytest.fixture
def sessions(opened: Sessions) -> Sessions:
    """The same with an empty inbox."""
    with opened.begin() as session:
        session.execute(delete(InboxEvent))
    return opened


@pytest.fixture
def arrival() -> MakeArrival:
    """Makes an event of HubSpot: `arrival(key, body=...)`."""

    def make(key: str, body: bytes = b"{}", source: str = "hubspot", **more: object) -> Arrival:
        told = {"event_type": "deal.propertyChange", "object_type": "deal", "object_id": key, **more}
        return Arrival(source=source, delivery_key=key, body=body, content=body, **told)  # type: ignore[arg-type]

    return make


@pytest.fixture(scope="session")
def are_stores_made() -> bool:
    """How they are made is not what these tests are about."""
    return True
