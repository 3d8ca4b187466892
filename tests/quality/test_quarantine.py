"""Quarantine as people use it: what is there by reason, rows released once, and a store that does not grow for ever."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from landed import NOW, context, land, read, row
from sqlalchemy import text
from tests import apart

from rebuttal import quality
from rebuttal.errors import ConfigError
from rebuttal.quality import quarantine, retention
from rebuttal.settings import Settings
from rebuttal.state.engine import open_state
from rebuttal.state.journal import journal_rows
from rebuttal.warehouse import open_warehouse
from rebuttal.warehouse.accounting import verify

DEALS, OWNERS = "hubspot.deals", "hubspot.owners"
OLENA = {"by": "Olena", "reason": "the currency was mended"}
RUN = """
import sys
from datetime import datetime
from pathlib import Path
from rebuttal.clock import Clock
from rebuttal.context import Context
from rebuttal.errors import LockedError
from rebuttal.quality.quarantine import release
from rebuttal.settings import Settings
home, config, warehouse, state, now = sys.argv[1:]
settings = Settings(Path(home), Path(config), "", warehouse, state)
context = Context(settings, Clock(datetime.fromisoformat(now)), lambda name: None, b"test-identity-key")
try:
    print(release(context, check="currency_known", by="Olena", reason="the currency was mended").counts["new"])
except LockedError:
    print("locked")
except KeyError:
    print("nothing")
"""


def deals(*numbers: int, **changed: str | None) -> list[Any]:
    return [row(DEALS, deal_id=str(number), **changed) for number in numbers]


def change(settings: Settings, statement: str) -> None:
    with open_warehouse(settings) as engine, engine.begin() as connection:
        connection.execute(text(statement))


def mend(settings: Settings) -> None:
    change(settings, "update landing.hubspot__deals set currency = 'EUR'")


def whole(settings: Settings) -> None:
    with open_warehouse(settings) as engine:
        assert verify(engine) > 0


def releasing(settings: Settings, failpoint: str = "") -> apart.Started:
    arguments = (settings.home, settings.config, settings.warehouse_url, settings.state_url, NOW.isoformat())
    return apart.start(RUN, *arguments, env={**os.environ, "FAILPOINT": failpoint})


def three_batches(settings: Settings) -> list[str]:
    return [land(settings, DEALS, [*deals(part), *deals(10 + part, 20 + part, currency="XBT")]) for part in range(3)]


def limited(settings: Settings, limits: str) -> Settings:
    """The same settings with another `quality.yml` and the same currencies."""
    config = settings.home / "limited"
    config.mkdir()
    for file in settings.config.glob("*.yml"):
        (config / file.name).write_text(file.read_text(encoding="utf-8"), encoding="utf-8")
    (config / "quality.yml").write_text(limits, encoding="utf-8")
    return replace(settings, config=config)


def test_what_is_quarantined_is_told_by_reason(any_settings: Settings) -> None:
    batches = [land(any_settings, DEALS, [*deals(1), *deals(2, 3, currency="XBT")]) for _ in range(2)]
    land(any_settings, OWNERS, [row(OWNERS, owner_id="")])
    quality.run(context(any_settings))
    told = quarantine.list_reasons(context(any_settings))
    assert [(one["source"], one["stream"], one["check_name"], one["rows"], one["batches"]) for one in told] == [
        ("hubspot", "deals", "currency_known", 4, 2),
        ("hubspot", "owners", "key_present", 1, 1),
    ]
    assert (told[0]["newest_batch_id"], told[0]["example"]) == (batches[1], "XBT")
    assert len(quarantine.list_reasons(context(any_settings), source="hubspot")) == 2
    assert quarantine.list_reasons(context(any_settings), source="ga4") == []
    assert len(quarantine.list_rows(context(any_settings), check="currency_known")) == 4
    assert [one["row_number"] for one in quarantine.list_rows(context(any_settings), stream="owners")] == [0]
    assert len(quarantine.list_rows(context(any_settings), 2)) == 2


def test_rows_are_released_by_the_check_that_they_broke(any_settings: Settings) -> None:
    three_batches(any_settings)
    land(any_settings, DEALS, deals(30, amount="?"))
    quality.run(context(any_settings))
    mend(any_settings)
    report = quarantine.release(context(any_settings), check="currency_known", source="hubspot", **OLENA)
    assert report.counts["new"] == 6
    assert [one["check_name"] for one in quarantine.list_rows(context(any_settings))] == ["values_readable"]
    whole(any_settings)
    with open_state(any_settings) as sessions, sessions.begin() as session:
        [entry] = journal_rows(session)
    assert (entry["kind"], entry["decided_by"]) == ("quarantine_release", "people:Olena")
    assert entry["subject"] == "hubspot currency_known"
    assert entry["decision"].startswith(
        "through the gate again: hubspot__deals__0001 row 1, hubspot__deals__0001 row 2"
    )
    assert json.loads(entry["evidence"]) == {"rows": 6}
    again = quarantine.release(context(any_settings), check="currency_known", source="hubspot", **OLENA)
    assert (again.changed, again.counts) == (False, {})


def test_a_release_needs_a_name_a_reason_and_something_named(any_settings: Settings) -> None:
    for wrong in ({**OLENA, "by": " "}, {**OLENA, "reason": ""}):
        with pytest.raises(ConfigError, match="named person for a reason"):
            quarantine.release(context(any_settings), "x", **wrong)
    with pytest.raises(ConfigError, match="cannot be released at once"):
        quarantine.release(context(any_settings), source="hubspot", **OLENA)


@pytest.mark.parametrize(
    ("failpoint", "done"),
    [
        ("release.after_journal:kill", 0),
        ("admit.before_commit:kill@2", 2),
        ("admit.after_commit:kill@2", 4),
        ("release.after_batch:kill", 2),
    ],
)
def test_a_release_that_was_killed_is_completed_and_admits_each_row_once(
    any_settings: Settings, failpoint: str, done: int
) -> None:
    three_batches(any_settings)
    quality.run(context(any_settings))
    mend(any_settings)
    assert releasing(any_settings, failpoint).end().returncode == -signal.SIGKILL
    whole(any_settings)
    assert len(read(any_settings, "select * from ops.quarantine where status = 'released'")) == done
    assert quarantine.release(context(any_settings), check="currency_known", **OLENA).counts["new"] == 6 - done
    assert len(read(any_settings, "select * from core.deal")) == 9
    assert quarantine.list_rows(context(any_settings)) == []
    whole(any_settings)


def test_two_people_who_release_at_once_admit_each_row_once(
    settings: Settings, postgres_url: Callable[[], str]
) -> None:
    server = replace(settings, warehouse_url=postgres_url())
    three_batches(server)
    quality.run(context(server))
    mend(server)
    both = [one.end() for one in (releasing(server), releasing(server))]
    said = [one.stdout.strip() for one in both]
    assert [one.returncode for one in both] == [0, 0]
    assert "6" in said
    assert set(said) <= {"6", "locked", "nothing"}
    assert len(read(server, "select * from core.deal")) == 9
    whole(server)


# --- size and age ----------------------------------------------------------------------------------------------------


def copies(settings: Settings) -> list[dict[str, Any]]:
    return [
        json.loads(one["raw"]) for one in read(settings, "select raw from ops.quarantine order by batch_id, row_number")
    ]


def test_of_a_flood_the_first_rows_are_copied_whole_and_every_row_keeps_its_line(any_settings: Settings) -> None:
    one = limited(any_settings, "quarantine: {max_rows_per_batch: 2}")
    land(one, DEALS, [*deals(1, 2, 3), *deals(4, 5, 6, currency="XBT")])
    land(one, DEALS, deals(7, currency="XBT"))
    quality.run(context(one))
    assert ["deal_id" in copy for copy in copies(one)] == [True, True, False, True]
    cut = copies(one)[2]
    assert set(cut) == {"length", "md5", "head"}
    assert cut["head"].startswith("{")
    assert (len(cut["head"]), cut["length"] > 200) == (200, True)
    assert len(quarantine.list_rows(context(one))) == 4
    whole(one)
    batch = quarantine.list_rows(context(one))[2]["batch_id"]
    shown = quarantine.show(context(one), batch, 5)
    assert shown["reasons"][0]["check_name"] == "currency_known"
    [landed] = read(one, shown["landing"])
    assert landed["deal_id"] == "6"

    change(one, "update landing.hubspot__deals set currency = 'EUR'")
    assert quarantine.release(context(one), check="currency_known", **OLENA).counts["new"] == 4
    whole(one)


def test_old_copies_are_cut_once_by_the_clock_that_is_given(any_settings: Settings) -> None:
    land(any_settings, DEALS, deals(1, currency="XBT"))
    quality.run(context(any_settings))
    assert not retention.run(context(any_settings, NOW + timedelta(days=90))).changed
    assert "deal_id" in copies(any_settings)[0]
    report = retention.run(context(any_settings, NOW + timedelta(days=90, seconds=1)))
    assert (report.changed, report.counts) == (True, {"copies_cut": 1})
    [cut] = copies(any_settings)
    assert set(cut) == {"length", "md5", "head"}
    again = retention.run(context(any_settings, NOW + timedelta(days=900)))
    assert (again.changed, again.counts) == (False, {"copies_cut": 0})
    assert copies(any_settings) == [cut]
    whole(any_settings)


@pytest.mark.parametrize("length", [70_000, 2_000_000])
def test_an_oversize_row_is_kept_as_hash_and_head(any_settings: Settings, length: int) -> None:
    batch = land(any_settings, DEALS, [*deals(1), *deals(2, currency="XBT", lost_reason='ж"\\' * (length // 3))])
    quality.run(context(any_settings))
    shown = quarantine.show(context(any_settings), batch, 1)
    assert set(shown["raw"]) == {"length", "md5", "head"}
    assert shown["raw"]["length"] > length
    assert len(read(any_settings, "select raw from ops.quarantine")[0]["raw"]) < 3000
    assert not retention.run(context(any_settings)).changed


def test_a_row_that_could_not_be_decoded_is_kept_with_what_is_wrong(any_settings: Settings) -> None:
    empty: dict[str, str | None] = dict.fromkeys(row(DEALS))
    batch = land(any_settings, DEALS, [*deals(1), {**empty, "_defect": "not UTF-8 at byte 17; md5 abc; head caf..."}])
    quality.run(context(any_settings))
    shown = quarantine.show(context(any_settings), batch, 1)
    assert shown["raw"]["_defect"] == "not UTF-8 at byte 17; md5 abc; head caf..."
    assert len(shown["reasons"]) >= 1
    whole(any_settings)


def test_limits_that_make_no_sense_are_refused(settings: Settings, tmp_path: Path) -> None:
    for wrong in ("raw_days: 0", "max_rows: 5", "raw_limit: 1000000"):
        (tmp_path / "quality.yml").write_text(f"quarantine: {{{wrong}}}", encoding="utf-8")
        with pytest.raises(ConfigError, match=wrong.split(":", maxsplit=1)[0]):
            retention.run(context(replace(settings, config=tmp_path)))
