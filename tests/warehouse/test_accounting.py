"""The recount is independent of the merge: it notices what the merge's own sums would not."""

from __future__ import annotations

import pytest
from landed import context, land, row
from sqlalchemy import text

from rebuttal import quality
from rebuttal.errors import AccountingError
from rebuttal.settings import Settings
from rebuttal.warehouse import open_warehouse
from rebuttal.warehouse.accounting import account, recount, verify

DEALS = "hubspot.deals"
TAMPERED = [
    ("update ops.batch_outcome set new = new + 1", "landed is 3"),
    ("delete from ops.batch_outcome", "has no outcome"),
    ("delete from ops.quarantine", "recorded 1 quarantined, stored 0"),
    ("delete from ops.duplicate", "recorded 1 deduplicated, stored 0"),
    ("delete from landing.hubspot__deals where _row = 0", "recorded 3 landed, stored 2"),
    ("drop index if exists core.deal_key; insert into core.deal select * from core.deal", "core.deal has 1 keys more"),
    ("delete from core.deal", "2 landed rows are neither in core.deal nor accounted for"),
    ("delete from core.deal", "core.deal has not the rows that were recorded as new"),
    ("update core.deal set row_number = 7", "1 rows of core.deal have no admitted row"),
    ("update core.deal set row_number = 2", "1 rows of core.deal have no admitted row"),  # a quarantined one
    ("update core.deal set batch_id = 'nobody'", "core.deal has 1 rows of batches that were never admitted"),
    ("update core.deal set account_id = 'foreign'", "core.deal has 1 rows of batches that were never admitted"),
    ("update ops.batch set status = 'held'", "is held, but has an outcome"),
    ("update ops.batch set status = 'held'", "is held, but 1 rows of it are quarantined"),
    ("update ops.batch set status = 'superseded'", "core.deal has 1 rows of batches that were never admitted"),
    ("update ops.batch set row_count = 4", "4 rows were pulled, but 3 recorded as landed"),
    ("update ops.quarantine set status = 'released'", "1 landed rows are neither in core.deal nor accounted for"),
    ("drop table landing.hubspot__deals", "its landing table is missing"),
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


def test_the_hourly_check_fails_loudly(any_settings: Settings) -> None:
    _land(any_settings)
    with open_warehouse(any_settings) as engine:
        assert verify(engine) == 1
        with engine.begin() as connection:
            connection.execute(text("delete from core.deal"))
        with pytest.raises(AccountingError, match=r"neither in core\.deal.*Do not trust the marts"):
            verify(engine)


def test_rows_of_erased_people_need_not_be_in_core_but_no_others(any_settings: Settings) -> None:
    with open_warehouse(any_settings) as engine, engine.begin() as connection:
        connection.execute(text("insert into ops.suppression (identifier) values ('gone')"))
    stream = "hubspot.contacts"
    land(any_settings, stream, [row(stream, email_hash="gone"), row(stream, contact_id="2")])
    quality.run(context(any_settings))
    with open_warehouse(any_settings) as engine:
        assert recount(engine) == []
        with engine.begin() as connection:
            connection.execute(text("delete from core.contact"))
        assert "1 landed rows are neither in core.contact" in recount(engine)[0]


def test_a_missing_copy_of_an_event_is_noticed(any_settings: Settings) -> None:
    stream = "yandex_metrica.hits"
    hits = [row(stream, watch_id=str(n), date_time=f"2026-11-01 13:00:0{n}") for n in range(2)]
    land(any_settings, stream, hits)
    quality.run(context(any_settings))
    with open_warehouse(any_settings) as engine:
        assert recount(engine) == []
        with engine.begin() as connection:
            connection.execute(text("insert into core.hit select * from core.hit_copy"))
        assert recount(engine) == ["core.hit has 1 keys more than once"]
        with engine.begin() as connection:
            connection.execute(text("delete from core.hit where hit_id = '1'"))
            connection.execute(text("delete from core.hit_copy"))
        assert len(recount(engine)) == 1
        assert "1 landed rows are neither in core.hit" in recount(engine)[0]


def test_an_empty_warehouse_adds_up(any_settings: Settings) -> None:
    with open_warehouse(any_settings) as engine:
        assert (account(engine), recount(engine), verify(engine)) == ([], [], 0)
