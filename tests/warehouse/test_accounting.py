"""The recount is independent of the merge: it notices what the merge's own sums would not."""

from __future__ import annotations

import pytest
from landed import context, land, row
from sqlalchemy import text

from rebuttal import quality
from rebuttal.settings import Settings
from rebuttal.warehouse import open_warehouse
from rebuttal.warehouse.accounting import account, recount

DEALS = "hubspot.deals"
TAMPERED = [
    ("update ops.batch_outcome set new = new + 1", "landed is 3"),
    ("delete from ops.batch_outcome", "has no outcome"),
    ("delete from ops.quarantine", "recorded 1 quarantined, stored 0"),
    ("delete from ops.duplicate", "recorded 1 deduplicated, stored 0"),
    ("delete from landing.hubspot__deals where _row = 0", "recorded 3 landed, stored 2"),
    ("drop index if exists core.deal_key; insert into core.deal select * from core.deal", "core.deal has 1 keys more"),
]


def _land(settings: Settings) -> None:
    land(settings, DEALS, [row(DEALS), row(DEALS), row(DEALS, deal_id="9", currency="?")])
    quality.run(context(settings))


def test_all_is_well_and_waiting_batches_are_shown_without_outcomes(any_settings: Settings) -> None:
    _land(any_settings)
    land(any_settings, DEALS, [row(DEALS, deal_id="7")])
    with open_warehouse(any_settings) as engine:
        assert recount(engine) == []
        told = [(one["status"], one["landed"], one["new"], one["deduplicated"]) for one in account(engine)]
    assert told == [("admitted", 3, 1, 1), ("landed", 1, 0, 0)]


@pytest.mark.parametrize(("tampering", "noticed"), TAMPERED)
def test_what_does_not_add_up_is_noticed(any_settings: Settings, tampering: str, noticed: str) -> None:
    _land(any_settings)
    with open_warehouse(any_settings) as engine:
        with engine.begin() as connection:
            for statement in tampering.split("; "):
                connection.execute(text(statement))
        wrong = recount(engine)
    assert sum(noticed in line for line in wrong) == 1, wrong


def test_an_empty_warehouse_adds_up(any_settings: Settings) -> None:
    with open_warehouse(any_settings) as engine:
        assert (account(engine), recount(engine)) == ([], [])
