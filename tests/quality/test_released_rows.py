"""Rows that were kept out: released, they are admitted once; those of erased people never are."""

from __future__ import annotations

import pytest
from admitted import everything, outcome
from landed import context, land, read, row
from sqlalchemy import text

from rebuttal import quality
from rebuttal.errors import ConfigError
from rebuttal.quality import quarantine
from rebuttal.settings import Settings
from rebuttal.warehouse import open_warehouse

OLENA = {"by": "Olena", "reason": "the currency was mended"}


def test_a_released_row_is_admitted_once_and_the_batch_still_adds_up(any_settings: Settings) -> None:
    stream = "hubspot.deals"
    batch = land(
        any_settings,
        stream,
        [row(stream), row(stream, deal_id="9", currency="XBT"), row(stream, deal_id="8", amount="?")],
    )
    quality.run(context(any_settings))
    assert outcome(any_settings, batch) == {"new": 1, "quarantined": 2}
    listed = quarantine.list_rows(context(any_settings))
    assert [(found["row_number"], found["check_name"], found["value"]) for found in listed] == [
        (1, "currency_known", "XBT"),
        (2, "values_readable", "amount=?"),
    ]
    shown = quarantine.show(context(any_settings), batch, 1)
    assert (shown["raw"]["deal_id"], shown["raw"]["currency"]) == ("9", "XBT")

    # Nothing was mended: nothing moves.
    before = everything(any_settings)
    assert not quarantine.release(context(any_settings), batch, **OLENA).changed
    assert everything(any_settings) == before

    with open_warehouse(any_settings) as engine, engine.begin() as connection:
        connection.execute(text("update landing.hubspot__deals set currency = 'EUR' where deal_id = '9'"))
    assert quarantine.release(context(any_settings), batch, 2, **OLENA).counts.get("new") == 0
    report = quarantine.release(context(any_settings), batch, **OLENA)
    assert report.changed
    assert outcome(any_settings, batch) == {"new": 2, "quarantined": 1}
    assert len(read(any_settings, "select * from core.deal where deal_id = '9' and currency = 'EUR'")) == 1
    assert [found["row_number"] for found in quarantine.list_rows(context(any_settings))] == [2]
    before = everything(any_settings)
    assert not quarantine.release(context(any_settings), batch, 1, **OLENA).changed
    assert everything(any_settings) == before


def test_a_released_row_does_not_replace_what_was_landed_later(any_settings: Settings) -> None:
    stream = "google_ads.ad_performance"
    first = land(any_settings, stream, [row(stream, clicks="5")])
    held_back = land(any_settings, stream, [row(stream, clicks="6", currency="XBT")])
    land(any_settings, stream, [row(stream, clicks="5")])  # told again, later: 5 is what is true now
    quality.run(context(any_settings))
    with open_warehouse(any_settings) as engine, engine.begin() as connection:
        connection.execute(text("update landing.google_ads__ad_performance set currency = 'EUR'"))
    report = quarantine.release(context(any_settings), held_back, **OLENA)
    assert report.counts["unchanged"] == 1
    assert read(any_settings, "select clicks, batch_id from core.ad_performance") == [{"clicks": 5, "batch_id": first}]


def test_an_unknown_quarantined_row_is_a_clear_error(any_settings: Settings) -> None:
    with pytest.raises(ConfigError, match="No row 3 of batch nothing is in quarantine"):
        quarantine.show(context(any_settings), "nothing", 3)
    assert not quarantine.release(context(any_settings), "nothing", **OLENA).changed


def test_rows_of_an_erased_person_are_suppressed_and_counted(any_settings: Settings) -> None:
    with open_warehouse(any_settings) as engine, engine.begin() as connection:
        connection.execute(text("insert into ops.suppression (identifier) values ('gone')"))
    rows = [row("hubspot.contacts", email_hash="gone", updated_at="broken"), row("hubspot.contacts", contact_id="2")]
    batch = land(any_settings, "hubspot.contacts", rows)
    quality.run(context(any_settings))
    assert outcome(any_settings, batch) == {"new": 1, "suppressed": 1}
    assert read(any_settings, "select * from ops.quarantine") == []
