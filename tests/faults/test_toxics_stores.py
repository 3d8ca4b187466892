"""Toxics between the pipeline and Postgres, as its warehouse and as its state store (24, 36)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from admitted import everything
from landed import context, land, row
from sqlalchemy.engine import make_url
from tests.faults.table import fault
from tests.faults.toxics import DOWN, HEALTHY, Proxy, Toxic, proxied

from rebuttal import quality
from rebuttal.errors import RebuttalError
from rebuttal.settings import Settings


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


def admit(settings: Settings) -> str:
    """One admission: the kind of its error, or nothing."""
    try:
        quality.run(context(settings))
    except RebuttalError as error:
        return type(error).__name__ if error.next_step else f"{error!r} does not say what to do"
    return ""


@fault(36, "the line to the warehouse breaks in the middle of an admission", "connection", "told; core is as before")
@fault(24, "the line to the state store breaks while a lease is held", "connection", "told; the next admission does it")
@pytest.mark.parametrize(("store", "most"), [("warehouse", 1), ("state", 0)])
def test_wherever_the_line_to_a_store_breaks_an_admission_is_whole_or_not_there(
    store: str, most: int, settings: Settings, postgres_url: Callable[[], str], postgres_copy: Callable[[str], str]
) -> None:
    """`most`: which of its connections carries most."""
    direct = replace(settings, warehouse_url=postgres_url(), state_url=postgres_url(), lease_seconds=2.0)
    land(direct, "hubspot.deals", [row("hubspot.deals", deal_id=str(n)) for n in range(20)])
    twin = replace(direct, warehouse_url=postgres_copy(direct.warehouse_url))
    with proxied(server_of(direct.warehouse_url)) as proxy:

        def behind(settings: Settings) -> Settings:
            return replace(settings, **{f"{store}_url": through(getattr(settings, f"{store}_url"), proxy)})

        assert admit(behind(twin)) == ""
        healthy, expected = proxy.passed[most], everything(twin)
        before = everything(direct)
        for toxic in (
            Toxic("reset half-way", "up", resets_after=healthy.up // 2),
            Toxic("ended with the last answers", ends_after=healthy.down * 19 // 20),
            DOWN,
        ):
            proxy.sever()
            proxy.next.extend([HEALTHY] * most + [toxic])
            proxy.always = DOWN  # and it does not come back at once
            told = admit(behind(direct))
            assert told in ("UnavailableError", "StoreError"), (toxic.name, told)
            assert admitted(everything(direct)) in (admitted(before), admitted(expected)), toxic.name
        proxy.sever()
        assert admit(behind(direct)) == ""
        found = everything(direct)
        assert {name for name in expected if found[name] != expected[name]} <= {"ops.publication"}  # has its own time
        assert admitted(before) != admitted(expected)


def admitted(tables: dict[str, list[Any]]) -> dict[str, list[Any]]:
    """Core, and what became of each landed row."""
    return {name: rows for name, rows in tables.items() if name.startswith("core.") or name == "ops.batch_outcome"}
