"""Toxics before Postgres, of warehouse and state alike, and before and behind the receiver (24, 36, 37, 91)."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from admitted import everything
from landed import context, land, row
from sqlalchemy import func, select
from sqlalchemy.engine import make_url
from tests.faults.table import fault
from tests.faults.toxics import DOWN, HEALTHY, Passed, Proxy, Toxic, proxied
from tests.inbox.receivers import in_a_thread, post, write_config

from rebuttal import quality
from rebuttal.errors import RebuttalError
from rebuttal.settings import Settings
from rebuttal.state import InboxEvent, open_state

CopyOf = Callable[[str], str]


def server_of(url: str) -> str | tuple[str, int]:
    """Where the server of such a URL listens."""
    found = make_url(url)
    place = found.query.get("host") or found.host or "127.0.0.1"
    port = found.port or 5432
    return f"{place}/.s.PGSQL.{port}" if str(place).startswith("/") else (str(place), port)


def through(url: str, proxy: Proxy) -> str:
    """The same database behind the proxy."""
    found = make_url(url).set(host="127.0.0.1", port=proxy.port, query={"sslmode": "disable"})
    return found.render_as_string(hide_password=False)


# --- the pipeline and its stores -------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def landed(postgres_url: Callable[[], str]) -> str:
    """A warehouse with a batch that waits for admission, to be copied."""
    return postgres_url()


def admit(settings: Settings) -> str:
    """One admission: the kind and words of its error, or nothing."""
    try:
        quality.run(context(settings))
    except RebuttalError as error:
        assert error.next_step, error
        return f"{type(error).__name__}: {error}"
    return ""


@pytest.mark.parametrize("store", ["warehouse", "state"])
def test_wherever_the_line_to_a_store_breaks_an_admission_is_whole_or_not_there(
    store: str, settings: Settings, postgres_url: Callable[[], str], postgres_copy: CopyOf
) -> None:
    direct = replace(settings, warehouse_url=postgres_url(), state_url=postgres_url())
    land(direct, "hubspot.deals", [row("hubspot.deals", deal_id=str(n)) for n in range(20)])
    with proxied(server_of(direct.warehouse_url)) as proxy:
        mine = replace(direct, **{f"{store}_url": through(getattr(direct, f"{store}_url"), proxy)})
        begun = time.monotonic()
        print(admit(mine), time.monotonic() - begun)
        print([(one.up, one.down) for one in proxy.passed])
