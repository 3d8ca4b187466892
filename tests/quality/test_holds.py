"""Held batches: the last good data stays, people are told, and what heals by itself needs nobody."""

from __future__ import annotations

import os
import signal
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from landed import NOW, context, land, read, row
from sqlalchemy import select, text
from tests import apart

from rebuttal import quality
from rebuttal.errors import ConfigError
from rebuttal.quality import holds, quarantine
from rebuttal.records import OUTCOMES
from rebuttal.settings import Settings
from rebuttal.state.engine import open_state
from rebuttal.state.journal import journal_rows
from rebuttal.warehouse import open_warehouse
from rebuttal.warehouse.accounting import account, verify
from rebuttal.warehouse.tables import metadata

ADS, DEALS, OWNERS = "google_ads.ad_performance", "hubspot.deals", "hubspot.owners"
VISITS = "yandex_metrica.visits"
RUN = """
import sys
from datetime import datetime
from pathlib import Path
from rebuttal import quality
from rebuttal.clock import Clock
from rebuttal.context import Context
from rebuttal.settings import Settings
home, config, warehouse, state, now = sys.argv[1:]
settings = Settings(Path(home), Path(config), "", warehouse, state)
quality.run(Context(settings, Clock(datetime.fromisoformat(now)), lambda name: None, b"test-identity-key"))
"""
OLENA = {"by": "Olena", "reason": "looked at it"}


def outcomes(settings: Settings, batch_id: str) -> tuple[str, dict[str, int]]:
    """Status and the outcomes that are not zero; and everything stored adds up."""
    with open_warehouse(settings) as engine:
        assert verify(engine) > 0
        [found] = [one for one in account(engine) if one["batch_id"] == batch_id]
    return found["status"], {name: found[name] for name in OUTCOMES if found[name]}


def journal(settings: Settings) -> list[tuple[str, str, str]]:
    with open_state(settings) as sessions, sessions.begin() as session:
        return [(one["kind"], one["decision"], one["decided_by"]) for one in journal_rows(session)]


def everything(settings: Settings) -> dict[str, list[str]]:
    with open_warehouse(settings) as engine, engine.connect() as connection:
        return {
            str(table): sorted(str(tuple(found)) for found in connection.execute(select(table)))
            for table in metadata.sorted_tables
            if table.name not in ("publication", "published_table", "fence")  # how often something happened is history
        }


def change(settings: Settings, statement: str) -> None:
    with open_warehouse(settings) as engine, engine.begin() as connection:
        connection.execute(text(statement))


def covers(settings: Settings, batch_id: str, first: int, last: int) -> None:
    """Say that a batch asked for the days of November from `first` up to, not including, `last`."""
    since, until = (datetime(2026, 11, 1, tzinfo=UTC) + timedelta(days=day - 1) for day in (first, last))
    with open_warehouse(settings) as engine, engine.begin() as connection:
        connection.execute(
            text("update ops.batch set window_from = :since, window_to = :until where batch_id = :id"),
            {"since": since, "until": until, "id": batch_id},
        )


def ads(day: int, *clicks: int, **changed: str | None) -> list[Any]:
    return [
        row(ADS, date=f"2026-11-0{day}", ad_id=f"a{number}", clicks=str(count), **changed)
        for number, count in enumerate(clicks)
    ]


def bad(day: int, count: int = 30) -> list[Any]:
    """So many rows with more clicks than impressions."""
    return ads(day, *[999] * count)


def test_what_is_held_is_listed_with_what_to_do(any_settings: Settings) -> None:
    land(any_settings, ADS, ads(1, 5))
    held = land(any_settings, ADS, bad(1), days=1)
    report = quality.run(context(any_settings))

    [found] = holds.list_held(context(any_settings))
    assert (found["batch_id"], found["landed"], found["is_final"]) == (held, 30, False)
    [check] = found["checks"]
    assert check["name"] == "rows_mostly_good"
    assert "broken in 30 of 30" in check["told"]
    assert check["next_step"].startswith("Look at the checks of this batch")
    assert len(report.problems) == 1
    assert read(any_settings, "select clicks from core.ad_performance") == [{"clicks": 5}]
    assert outcomes(any_settings, held) == ("held", {})


def test_a_hold_is_released_once_by_a_named_person_and_the_journal_has_it(any_settings: Settings) -> None:
    held = land(any_settings, ADS, [*bad(1), *ads(2, 5)])
    quality.run(context(any_settings))
    holds.release(context(any_settings), held, **OLENA)
    with pytest.raises(ConfigError, match="is not held"):
        holds.release(context(any_settings), held, **OLENA)
    quality.run(context(any_settings))

    assert outcomes(any_settings, held) == ("admitted", {"new": 1, "quarantined": 30})
    assert journal(any_settings) == [("hold_release", "released: looked at it", "people:Olena")]


def test_a_held_batch_is_admitted_when_its_checks_pass_with_the_rules_of_today(any_settings: Settings) -> None:
    held = land(any_settings, ADS, bad(1))
    quality.run(context(any_settings))
    later = land(any_settings, ADS, ads(1, 3))
    quality.run(context(any_settings))
    assert outcomes(any_settings, held)[0] == "held"
    change(any_settings, "update landing.google_ads__ad_performance set impressions = '1000'")  # the rule was wrong

    report = quality.run(context(any_settings))

    assert report.counts["batches_admitted"] == 1
    # What was landed later is the newer knowledge of a0.
    assert outcomes(any_settings, held) == ("admitted", {"new": 29, "unchanged": 1})
    assert read(any_settings, "select clicks, batch_id from core.ad_performance where ad_id = 'a0'") == [
        {"clicks": 3, "batch_id": later}
    ]
    [(kind, decision, by)] = journal(any_settings)
    assert (kind, by) == ("hold_release", "rule:hold.auto")
    assert decision.startswith("admitted: its checks pass by now (rows_mostly_good: 30 of 30")
    assert not quality.run(context(any_settings)).changed
    assert len(journal(any_settings)) == 1


def test_one_hold_that_ends_may_end_another(any_settings: Settings) -> None:
    """The volume is unusual only until a batch in between, held by mistake, becomes part of what is usual."""
    landed = [
        land(any_settings, OWNERS, [row(OWNERS, owner_id=f"{part}-{n}", **changed) for n in range(count)])
        for part, (count, changed) in enumerate(
            [(20, {}), (20, {}), (20, {}), (1000, {"updated_at": "?"}), (1000, {}), (1000, {}), (2000, {})]
        )
    ]
    for number, batch in enumerate(landed):
        covers(any_settings, batch, number + 1, number + 2)
    first, second = landed[3], landed[6]
    quality.run(context(any_settings))
    assert [one["batch_id"] for one in holds.list_held(context(any_settings))] == [first, second]
    change(any_settings, "update landing.hubspot__owners set updated_at = '2026-10-02T09:00:00Z'")
    quality.run(context(any_settings))
    assert holds.list_held(context(any_settings)) == []
    assert outcomes(any_settings, second) == ("admitted", {"new": 2000})


def test_a_better_answer_supersedes_a_held_batch_and_every_row_of_it_is_accounted_for(any_settings: Settings) -> None:
    good = land(any_settings, ADS, ads(1, 5, 5))
    rows = [*bad(2, 29), row(ADS, date="2026-11-02", ad_id="gone"), *ads(1, 5)]
    held = land(any_settings, ADS, rows)
    better = land(any_settings, ADS, ads(2, *[4] * 29))
    for batch, first, last in ((good, 1, 2), (held, 1, 3), (better, 2, 4)):  # windows slide
        covers(any_settings, batch, first, last)

    report = quality.run(context(any_settings))

    assert (report.counts["batches_admitted"], report.counts["batches_superseded"]) == (2, 1)
    # 29 told by the better answer, one told before in the same words; one that nobody confirms.
    assert outcomes(any_settings, held) == ("superseded", {"unchanged": 30, "quarantined": 1})
    [kept] = quarantine.list_rows(context(any_settings))
    assert (kept["row_number"], kept["check_name"]) == (29, "not_confirmed")
    assert quarantine.show(context(any_settings), held, 29)["raw"]["ad_id"] == "gone"
    found = read(any_settings, "select batch_id, count(*) as rows from core.ad_performance group by 1 order by 1")
    assert found == [{"batch_id": good, "rows": 2}, {"batch_id": better, "rows": 29}]
    [(_, decision, by)] = journal(any_settings)
    assert decision.startswith(f"superseded: superseded by {better} (rows_mostly_good")
    assert by == "rule:hold.auto"
    assert not quality.run(context(any_settings)).changed

    # Its rows are no ordinary quarantine; the way in is the whole batch, and a person's word.
    with pytest.raises(ConfigError, match=r"never merged.*hold release"):
        quarantine.release(context(any_settings), held, **OLENA)
    assert not quarantine.release(context(any_settings), check="not_confirmed", **OLENA).changed
    holds.release(context(any_settings), held, **OLENA)
    quality.run(context(any_settings))
    assert outcomes(any_settings, held) == ("admitted", {"new": 1, "unchanged": 1, "quarantined": 29})


@pytest.mark.parametrize(
    ("first", "last", "account_id"),
    [(1, 2, None), (3, 4, None), (2, 3, "another")],
    ids=["ends earlier", "begins later", "another account"],
)
def test_an_answer_about_something_else_heals_nothing(
    any_settings: Settings, first: int, last: int, account_id: str | None
) -> None:
    held = land(any_settings, ADS, bad(2))
    other = land(any_settings, ADS, ads(first, 4, customer_id=account_id or "1234567890"), account=account_id)
    covers(any_settings, held, 2, 3)
    covers(any_settings, other, first, last)
    quality.run(context(any_settings))
    assert outcomes(any_settings, other) == ("admitted", {"new": 1})
    assert outcomes(any_settings, held) == ("held", {})


def test_a_restatement_of_known_days_is_not_healed_by_the_next_days_alone(any_settings: Settings) -> None:
    known = land(any_settings, ADS, ads(2, 4))
    held = land(any_settings, ADS, bad(2))
    after = land(any_settings, ADS, ads(3, 4))
    for batch, first, last in ((known, 2, 3), (held, 2, 3), (after, 3, 4)):
        covers(any_settings, batch, first, last)
    quality.run(context(any_settings))
    assert outcomes(any_settings, held) == ("held", {})


def test_another_accounts_rows_are_never_admitted_whatever_comes_later(any_settings: Settings) -> None:
    held = land(any_settings, ADS, ads(1, 1, 2, customer_id="999"), days=1)
    better = land(any_settings, ADS, ads(1, 5, 5), days=1)
    quality.run(context(any_settings))

    assert outcomes(any_settings, better) == ("admitted", {"new": 2})
    assert outcomes(any_settings, held) == ("superseded", {"quarantined": 2})
    assert {found["check_name"] for found in quarantine.list_rows(context(any_settings))} == {"account_is_ours"}
    for attempt in (holds.release, quarantine.release):
        with pytest.raises(ConfigError):
            attempt(context(any_settings), held, **OLENA)
    assert not quarantine.release(context(any_settings), check="account_is_ours", **OLENA).changed
    assert [one["clicks"] for one in read(any_settings, "select clicks from core.ad_performance")] == [5, 5]


def test_a_batch_whose_rows_are_lost_stays_held_until_they_are_back(any_settings: Settings) -> None:
    held = land(any_settings, ADS, ads(1, 1, 2), days=1)
    landing = "landing.google_ads__ad_performance"
    change(any_settings, f"create table landing.saved as select * from {landing}")
    change(any_settings, f"delete from {landing} where _row = 1")
    better = land(any_settings, ADS, ads(1, 5), days=1)
    quality.run(context(any_settings))
    assert outcomes(any_settings, held) == ("held", {})  # there is no whole batch to close
    with pytest.raises(ConfigError, match="1 of 2 rows"):
        holds.release(context(any_settings), held, **OLENA)

    change(any_settings, f"insert into {landing} select * from landing.saved where _row = 1")
    quality.run(context(any_settings))
    assert outcomes(any_settings, held) == ("admitted", {"new": 1, "unchanged": 1})
    found = read(any_settings, "select clicks, batch_id from core.ad_performance order by clicks")
    assert found == [{"clicks": 2, "batch_id": held}, {"clicks": 5, "batch_id": better}]


def test_an_erased_persons_rows_leave_a_held_batch_as_suppressed(any_settings: Settings) -> None:
    change(any_settings, "insert into ops.suppression (identifier) values ('gone')")
    stream = "hubspot.contacts"
    rows = [row(stream, contact_id=str(n), updated_at="?", email_hash="gone" if n < 3 else "here") for n in range(30)]
    held = land(any_settings, stream, rows, days=1)
    land(any_settings, stream, [row(stream, contact_id="29")], days=1)
    quality.run(context(any_settings))
    assert outcomes(any_settings, held) == ("superseded", {"unchanged": 1, "quarantined": 26, "suppressed": 3})
    assert read(any_settings, "select * from ops.quarantine where raw like '%gone%'") == []


@pytest.mark.parametrize(
    "failpoint", ["admit.before_commit:kill@2", "heal.before_commit:kill", "heal.after_commit:kill"]
)
def test_killed_while_a_hold_ends_and_run_again_equals_undisturbed(
    any_settings: Settings, tmp_path: Path, request: pytest.FixtureRequest, failpoint: str
) -> None:
    on_server = any_settings.warehouse_url.startswith("postgresql")
    url = request.getfixturevalue("postgres_url")() if on_server else f"duckdb:///{tmp_path / 'calm.duckdb'}"
    calm = replace(any_settings, warehouse_url=url, state_url=f"sqlite:///{tmp_path / 'calm.sqlite'}")
    for one in (calm, any_settings):
        land(one, ADS, [*bad(1), row(ADS, ad_id="gone")], days=1)
        land(one, ADS, ads(1, 5, 5), days=1)
    quality.run(context(calm))
    arguments = (any_settings.home, any_settings.config, any_settings.warehouse_url, any_settings.state_url, NOW)
    killed = apart.run(RUN, *arguments, env={**os.environ, "FAILPOINT": failpoint})
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    with open_warehouse(any_settings) as engine:
        assert verify(engine) == 2
    quality.run(context(any_settings))
    assert everything(any_settings) == everything(calm)
    assert len(journal(calm)) == 1
    assert journal(any_settings) == journal(calm)
    statuses = read(calm, "select status from ops.batch order by sequence")
    assert [one["status"] for one in statuses] == ["superseded", "admitted"]


def test_the_other_streams_go_on_and_a_second_look_changes_nothing(any_settings: Settings) -> None:
    land(any_settings, ADS, bad(1))
    quality.run(context(any_settings))
    before = read(any_settings, "select * from ops.batch")
    land(any_settings, DEALS, [row(DEALS)])
    report = quality.run(context(any_settings))
    assert report.counts["new"] == 1
    assert "batches_held" not in report.counts  # told once
    assert read(any_settings, "select * from ops.batch where sequence = 1") == before
    assert journal(any_settings) == []


def test_the_queries_of_a_held_batch_find_its_rows(any_settings: Settings) -> None:
    good = [row(VISITS, visit_id=str(n), client_id=str(n)) for n in range(20)]
    robots = [row(VISITS, visit_id=f"r{n}", client_id=str(n), visit_duration="90000") for n in range(4)]
    broken = [row(VISITS, visit_id=f"b{n}", client_id=str(n), page_views="many") for n in range(30)]
    batch_id = land(any_settings, VISITS, [*good, *robots, *broken], repeat=2)
    quality.run(context(any_settings))
    assert read(any_settings, "select status from ops.batch") == [{"status": "held"}]

    def found() -> dict[str, list[str]]:
        checks = read(any_settings, "select check_name, query from ops.check_result where query is not null")
        return {
            one["check_name"]: [row["visit_id"] for row in read(any_settings, one["query"].replace(":", "\\:"))]
            for one in checks
        }

    waiting = found()
    assert waiting["values_readable"] == [f"b{n}" for n in range(30)]
    assert waiting["duration_sane"] == [f"r{n}" for n in range(4)]
    # Once it is let through, they are where all admitted rows are.
    holds.release(context(any_settings), batch_id, by="olena", reason="looked at")
    quality.run(context(any_settings))
    assert read(any_settings, "select status from ops.batch") == [{"status": "admitted"}]
    core = read(any_settings, "select query from ops.check_result where check_name = 'duration_sane'")
    assert {one["visit_id"] for one in read(any_settings, core[0]["query"])} == {f"r{n}" for n in range(4)}


def test_a_release_killed_after_the_journal_is_completed_by_the_same_command(any_settings: Settings) -> None:
    held = land(any_settings, ADS, [*bad(1), *ads(2, 5)])
    quality.run(context(any_settings))
    code = (
        RUN.replace("quality.run(", "quality.holds.release(")
        .replace('b"test-identity-key"))', f"b\"test-identity-key\"), {held!r}, by='Olena', reason='looked at it')")
        .replace("from rebuttal import quality", "import rebuttal.quality.holds; from rebuttal import quality")
    )
    arguments = (any_settings.home, any_settings.config, any_settings.warehouse_url, any_settings.state_url, NOW)
    killed = apart.run(code, *arguments, env={**os.environ, "FAILPOINT": "hold.after_journal:kill"})
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    assert outcomes(any_settings, held) == ("held", {})
    holds.release(context(any_settings), held, **OLENA)
    quality.run(context(any_settings))
    assert outcomes(any_settings, held) == ("admitted", {"new": 1, "quarantined": 30})
    assert journal(any_settings) == [("hold_release", "released: looked at it", "people:Olena")]
