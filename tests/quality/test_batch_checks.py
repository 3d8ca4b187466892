"""Checks of a batch as a whole: what holds it, what lets it through, and what the others do meanwhile."""

from __future__ import annotations

import pytest
from admitted import outcome
from landed import context, land, read, row
from sqlalchemy import text

from rebuttal import quality
from rebuttal.errors import ConfigError
from rebuttal.quality import holds
from rebuttal.settings import Settings
from rebuttal.warehouse import open_warehouse


def _deals(count: int, **changed: str | None) -> list[dict[str, str | None]]:
    return [row("hubspot.deals", deal_id=str(number), **changed) for number in range(count)]


def test_a_batch_of_mostly_bad_rows_is_held_and_the_others_go_on(any_settings: Settings) -> None:
    good = land(any_settings, "hubspot.deals", _deals(30))
    bad = land(any_settings, "hubspot.deals", _deals(30, amount="1.200,50"))
    other = land(any_settings, "hubspot.owners", [row("hubspot.owners")])

    report = quality.run(context(any_settings))

    assert report.counts["batches_held"] == 1
    assert outcome(any_settings, good) == {"new": 30}
    assert outcome(any_settings, bad) == {}
    assert outcome(any_settings, other) == {"new": 1}
    told = [problem.split(". ")[0] for problem in report.problems]
    assert len(told) == 2
    assert told[0].startswith(f"Held hubspot.deals {bad}: rows_mostly_good: 30 of 30")
    assert told[1].startswith(f"Held hubspot.deals {bad}: fields_keep_type")
    [held] = read(any_settings, "select status, status_reason from ops.batch where batch_id = :id", id=bad)
    assert held["status"] == "held"
    assert "rows_mostly_good: 30 of 30" in held["status_reason"]
    assert len(read(any_settings, "select * from core.deal where amount is not null")) == 30
    assert read(any_settings, "select * from ops.quarantine") == []
    assert not quality.run(context(any_settings)).changed


def test_a_column_that_turned_empty_holds_the_batch(any_settings: Settings) -> None:
    land(any_settings, "hubspot.deals", _deals(60))
    emptied = land(any_settings, "hubspot.deals", _deals(60, pipeline=None, updated_at="2026-11-05T00:00:00Z"))

    quality.run(context(any_settings))

    [held] = read(any_settings, "select status, status_reason from ops.batch where batch_id = :id", id=emptied)
    assert held["status"] == "held"
    assert "such as pipeline" in held["status_reason"]
    assert len(read(any_settings, "select * from core.deal where pipeline_id = 'default'")) == 60


def test_a_column_that_was_never_filled_holds_nothing(any_settings: Settings) -> None:
    for _ in range(2):
        batch = land(any_settings, "hubspot.deals", _deals(60, lost_reason=None))
        quality.run(context(any_settings))
    assert outcome(any_settings, batch) == {"unchanged": 60}


def test_many_times_the_usual_volume_is_held_until_a_named_person_lets_it_in(any_settings: Settings) -> None:
    for number in range(3):
        land(any_settings, "hubspot.owners", [row("hubspot.owners", owner_id=f"usual{number}")], days=1)
    flood = [row("hubspot.owners", owner_id=str(number)) for number in range(2000)]
    batch = land(any_settings, "hubspot.owners", flood, days=1)
    quality.run(context(any_settings))
    assert outcome(any_settings, batch) == {}
    assert len(read(any_settings, "select * from core.owner")) == 3

    for nobody in ({"by": " ", "reason": "a mass change"}, {"by": "Olena", "reason": ""}):
        with pytest.raises(ConfigError, match="named person for a reason"):
            holds.release(context(any_settings), batch, **nobody)
    holds.release(context(any_settings), batch, by="Olena, marketing", reason="a mass change")
    quality.run(context(any_settings))

    assert outcome(any_settings, batch) == {"new": 2000}
    [released] = read(any_settings, "select status, status_reason from ops.batch where batch_id = :id", id=batch)
    assert released["status"] == "admitted"
    assert released["status_reason"].startswith("hold released by Olena, marketing: a mass change (volume_usual")


def test_the_same_rows_over_more_days_are_usual(any_settings: Settings) -> None:
    for number in range(3):
        rows = [row("hubspot.owners", owner_id=f"{number}-{one}") for one in range(10)]
        land(any_settings, "hubspot.owners", rows, days=1)
    rows = [row("hubspot.owners", owner_id=str(number)) for number in range(2000)]
    batch = land(any_settings, "hubspot.owners", rows, days=20)
    quality.run(context(any_settings))
    assert outcome(any_settings, batch) == {"new": 2000}


def test_another_accounts_data_is_refused_whole_and_nobody_can_wave_it_through(any_settings: Settings) -> None:
    rows = [row("google_ads.ad_performance"), row("google_ads.ad_performance", ad_id="a2", customer_id="999")]
    batch = land(any_settings, "google_ads.ad_performance", rows)
    quality.run(context(any_settings))
    with pytest.raises(ConfigError, match="cannot be released: Every row belongs to the account"):
        holds.release(context(any_settings), batch, by="Olena", reason="looks fine")
    quality.run(context(any_settings))
    [held] = read(any_settings, "select status, status_reason from ops.batch where batch_id = :id", id=batch)
    assert held["status"] == "held"
    assert "account_is_ours: 1 of 2" in held["status_reason"]
    assert read(any_settings, "select * from core.ad_performance") == []


def test_account_ids_in_the_vendors_two_spellings_are_one(any_settings: Settings) -> None:
    rows = [row("google_ads.ad_performance", customer_id="123-456-7890")]
    batch = land(any_settings, "google_ads.ad_performance", rows)
    quality.run(context(any_settings))
    assert outcome(any_settings, batch) == {"new": 1}


def test_a_batch_whose_rows_are_not_all_there_is_held(any_settings: Settings) -> None:
    batch = land(any_settings, "hubspot.owners", [row("hubspot.owners")], row_count=2)
    report = quality.run(context(any_settings))
    assert "landed_whole" in report.problems[0]
    assert "1 of 2 rows" in report.problems[0]
    assert outcome(any_settings, batch) == {}


def test_a_batch_without_its_table_is_a_problem_of_that_batch_only(any_settings: Settings) -> None:
    land(any_settings, "hubspot.owners", [row("hubspot.owners")])
    batch = land(any_settings, "hubspot.deals", [row("hubspot.deals")])
    with open_warehouse(any_settings) as engine, engine.begin() as connection:
        connection.execute(text("drop table landing.hubspot__owners"))
    report = quality.run(context(any_settings))
    assert len(report.problems) == 1
    assert "landing.hubspot__owners does not exist" in report.problems[0]
    assert report.counts["new"] == 1
    assert len(read(any_settings, "select * from core.deal where batch_id = :id", id=batch)) == 1
