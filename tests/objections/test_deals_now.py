"""What an objection takes from its deal while the marts are older than core: no stage waits for a build."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import Connection, insert, text
from tests.objections.conftest import DEALS

from rebuttal.objections.stage import _deals
from rebuttal.settings import Settings
from rebuttal.warehouse import open_warehouse
from rebuttal.warehouse.tables import metadata

AT = datetime(2026, 3, 4, tzinfo=UTC)


@pytest.fixture
def connection(any_settings: Settings) -> Iterator[Connection]:
    with open_warehouse(any_settings) as engine, engine.begin() as opened:
        opened.execute(text(DEALS))
        yield opened


def core(connection: Connection, name: str, **values: Any) -> None:
    row = {
        "source": "hubspot", "account_id": "1", "batch_id": "b", "row_number": 0, "row_hash": "h", "deal_id": name,
        "stage_id": "proposal", "amount": 1000, "currency": "EUR", "is_closed": False, "is_won": False,
        "is_deleted": False,
    }  # fmt: skip
    connection.execute(insert(metadata.tables["core.deal"]).values(row | values))


def mart(connection: Connection, name: str, **values: Any) -> None:
    row = {
        "deal_id": name, "source": "hubspot", "account_id": "1", "person_id": "p", "outcome": "open",
        "stage_id": "proposal", "stage_label": "Proposal", "amount_base": 1000.0, "channel": "search_brand",
        "segment": "salon_owner", "last_stage_before_loss": None, "amount": 1000.0, "currency": "EUR", "created_at": AT,
    } | values  # fmt: skip
    listed = ", ".join(row)
    connection.execute(text(f"INSERT INTO marts.deal ({listed}) VALUES (:{', :'.join(row)})"), row)


def test_what_the_marts_know_is_taken_from_them(connection: Connection) -> None:
    core(connection, "1")
    mart(connection, "1", amount_base=900.0)
    found = _deals(connection)["1"]
    assert (found["outcome"], found["stage"], float(found["amount_base"])) == ("open", "Proposal", 900.0)
    assert (found["channel"], found["segment"], found["person_id"]) == ("search_brand", "salon_owner", "p")


def test_a_deal_lost_since_the_build_is_lost_at_the_stage_in_which_the_marts_saw_it(connection: Connection) -> None:
    core(connection, "1", stage_id="closedlost", is_closed=True)
    mart(connection, "1", amount_base=900.0)
    found = _deals(connection)["1"]
    assert (found["outcome"], found["stage"], float(found["amount_base"])) == ("lost", "Proposal", 900.0)


def test_a_new_amount_or_a_new_deal_is_worth_what_the_newest_rate_says(connection: Connection) -> None:
    core(connection, "old", amount=1000, currency="UAH")
    mart(connection, "old", amount_base=20.0, currency="UAH", created_at=datetime(2026, 1, 1, tzinfo=UTC))
    core(connection, "changed", amount=500, currency="UAH")
    mart(connection, "changed", amount_base=25.0, currency="UAH", created_at=AT)
    core(connection, "new", amount=2000, currency="UAH", stage_id="unheard of")
    core(connection, "foreign", amount=100, currency="XYZ")
    found = _deals(connection)
    assert {name: row["amount_base"] and round(float(row["amount_base"]), 6) for name, row in found.items()} == {
        "old": 20.0, "changed": 12.5, "new": 50.0, "foreign": None,
    }  # fmt: skip
    assert (found["new"]["channel"], found["new"]["stage"]) == (None, "unheard of")


def test_a_deleted_deal_gives_nothing(connection: Connection) -> None:
    core(connection, "1", is_deleted=True)
    mart(connection, "1")
    assert _deals(connection) == {}
    core(connection, "2")
    assert set(_deals(connection)) == {"2"}
