"""A replay after a rule changed gives the core that there would be if the rule had always been there."""

from __future__ import annotations

import os
import random
import shutil
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from landed import NOW, context, land, read, row
from sqlalchemy import Engine, select, text
from tests import apart

from rebuttal import quality
from rebuttal.errors import ConfigError, LockedError
from rebuttal.quality import holds, quarantine
from rebuttal.quality.expectations import rule
from rebuttal.quality.replay import replay
from rebuttal.quality.suites import ad_performance
from rebuttal.settings import Settings
from rebuttal.warehouse import ENTITIES, open_warehouse
from rebuttal.warehouse.accounting import verify
from rebuttal.warehouse.tables import metadata

ADS, DEALS, HITS, NOTES, CALLS = (
    "google_ads.ad_performance", "hubspot.deals", "yandex_metrica.hits", "hubspot.notes", "hubspot.calls",
)  # fmt: skip
OLENA = {"by": "Olena", "reason": "looked at it"}
# How many histories the property is asked of: `make test SWEEP=20` asks more.
SEEDS = int(os.environ.get("SWEEP") or 2)
RUN = """
import sys
from datetime import datetime
from pathlib import Path
from rebuttal.clock import Clock
from rebuttal.context import Context
from rebuttal.quality.replay import replay
from rebuttal.settings import Settings
home, config, warehouse, state, now, what = sys.argv[1:]
settings = Settings(Path(home), Path(config), "", warehouse, state)
replay(Context(settings, Clock(datetime.fromisoformat(now)), lambda name: None, b"test-identity-key"), what)
"""


@pytest.fixture
def fresh(any_settings: Settings, tmp_path: Path, request: pytest.FixtureRequest) -> Callable[[], Settings]:
    """A function that gives settings over a warehouse of the same engine in which nothing ever happened."""
    made = 0

    def another() -> Settings:
        nonlocal made
        made += 1
        home = tmp_path / f"fresh{made}"
        home.mkdir()
        on_server = any_settings.warehouse_url.startswith("postgresql")
        url = request.getfixturevalue("postgres_url")() if on_server else f"duckdb:///{home / 'warehouse.duckdb'}"
        return replace(any_settings, home=home, warehouse_url=url, state_url=f"sqlite:///{home / 'state.sqlite'}")

    return another


def everything(settings: Settings) -> dict[str, list[str]]:
    with open_warehouse(settings) as engine, engine.connect() as connection:
        return {
            str(table): sorted(str(tuple(found)) for found in connection.execute(select(table)))
            for table in metadata.sorted_tables
            if table.name not in ("publication", "published_table", "fence")  # how often something happened is history
        }


def core(settings: Settings) -> dict[str, list[str]]:
    """What core says, without where its rows came from."""
    found = {}
    with open_warehouse(settings) as engine, engine.connect() as connection:
        for entity in ENTITIES.values():
            columns = ", ".join(("source", "account_id", *entity.columns))
            for table in (entity.name, f"{entity.name}_copy") if entity.same_event else (entity.name,):
                rows = connection.execute(text(f"select {columns} from core.{table}"))
                found[table] = sorted(str(tuple(one)) for one in rows)
    return found


def whole(settings: Settings) -> None:
    with open_warehouse(settings) as engine:
        assert verify(engine) > 0
        assert _scratch(engine) == []


def _scratch(engine: Engine) -> list[Any]:
    with engine.connect() as connection:
        return list(
            connection.execute(text("select table_name from information_schema.tables where table_schema = 'gate'"))
        )


def ads(*facts: tuple[str, int], **changed: str | None) -> list[Any]:
    return [row(ADS, ad_id=ad, clicks=str(clicks), **changed) for ad, clicks in facts]


def hit(number: int, second: float, url: str = "/") -> Any:
    at = datetime(2026, 11, 1, 13, tzinfo=UTC) + timedelta(seconds=second)
    return row(HITS, watch_id=f"{number:03d}", date_time=f"{at:%Y-%m-%d %H:%M:%S.%f}", url=url)


def with_limits(settings: Settings, home: Path, limits: str) -> Settings:
    """The same settings with another `quality.yml`."""
    config = home / f"config-{abs(hash(limits))}"
    if not config.exists():
        shutil.copytree(settings.config, config)
        (config / "quality.yml").write_text(limits, encoding="utf-8")
    return replace(settings, config=config)


@contextmanager
def window_of(monkeypatch: pytest.MonkeyPatch, seconds: int) -> Iterator[None]:
    """Another SameEvent rule for hits."""
    entity = ENTITIES["hit"]
    assert entity.same_event
    with monkeypatch.context() as patch:
        rule = replace(entity.same_event, seconds=seconds)
        patch.setitem(ENTITIES, "hit", replace(entity, same_event=rule))
        yield


def test_a_replay_without_a_changed_rule_changes_no_table(any_settings: Settings) -> None:
    land(any_settings, DEALS, [row(DEALS), row(DEALS, deal_id="9", currency="?")])
    land(any_settings, DEALS, [row(DEALS, updated_at="2026-11-05T00:00:00Z")])
    land(any_settings, HITS, [hit(1, 0), hit(2, 1), hit(2, 1)])
    land(any_settings, HITS, [hit(0, -1), hit(3, 100)])
    quality.run(context(any_settings))
    before = everything(any_settings)

    for what in (DEALS, HITS, "hubspot__deals__0001"):
        report = replay(context(any_settings), what)
        assert report.counts["batches"] == 2
        assert not report.changed
        assert everything(any_settings) == before
    whole(any_settings)


def test_a_wider_window_for_copies_folds_what_was_admitted_and_a_narrower_one_frees_it(
    any_settings: Settings, fresh: Callable[[], Settings], monkeypatch: pytest.MonkeyPatch
) -> None:
    batches = [[hit(1, 0), hit(2, 1)], [hit(3, 4), hit(4, 30)], [hit(5, 33)]]
    for rows in batches:
        land(any_settings, HITS, rows)
    quality.run(context(any_settings))
    assert len(read(any_settings, "select * from core.hit")) == 4
    for seconds, kept in ((10, 2), (0, 5), (2, 4)):
        with window_of(monkeypatch, seconds):
            report = replay(context(any_settings), HITS)
            always = fresh()
            for rows in batches:
                land(always, HITS, rows)
            quality.run(context(always))
            assert len(read(any_settings, "select * from core.hit")) == kept
            assert report.changed
            assert everything(any_settings) == everything(always)
            whole(any_settings)


def test_what_a_new_rule_refuses_leaves_core_and_the_report_says_so(
    any_settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = land(any_settings, ADS, ads(("a", 1), ("b", 2)))
    second = land(any_settings, ADS, ads(("a", 3), ("c", 90)))
    quality.run(context(any_settings))
    usual = ad_performance.suite

    def stricter(latest: datetime) -> Any:
        return [*usual(latest), rule("clicks_believable", "clicks > 2", "At most two clicks", "Look")]

    monkeypatch.setattr(ad_performance, "suite", stricter)
    report = replay(context(any_settings), first)
    counted = {name: report.counts[name] for name in ("core_added", "core_removed", "core_different", "quarantined")}
    assert counted == {"core_added": 0, "core_removed": 1, "core_different": 1, "quarantined": 2}
    assert report.changed
    found = read(any_settings, "select ad_id, clicks, batch_id from core.ad_performance order by ad_id")
    assert [(one["ad_id"], one["clicks"], one["batch_id"]) for one in found] == [("a", 1, first), ("b", 2, first)]
    whole(any_settings)

    monkeypatch.setattr(ad_performance, "suite", usual)
    report = replay(context(any_settings), second)
    assert (report.counts["core_added"], report.counts["core_different"]) == (1, 1)
    assert read(any_settings, "select * from ops.quarantine") == []
    whole(any_settings)


def test_a_hold_that_a_person_released_stays_released(
    any_settings: Settings, fresh: Callable[[], Settings], tmp_path: Path
) -> None:
    one = with_limits(any_settings, tmp_path, "hold: {bad_rows: 2, bad_share: 0.5}")
    land(one, ADS, ads(("a", 1)))
    released = land(one, ADS, ads(("x", 999), ("y", 999), ("a", 2)))
    held = land(one, ADS, ads(("x", 999), ("y", 999)))
    land(one, ADS, ads(("b", 4)))
    quality.run(context(one))
    holds.release(context(one), released, **OLENA)
    quality.run(context(one))
    before = everything(one)

    assert not replay(context(one), ADS).changed
    statuses = {found["batch_id"]: found["status"] for found in read(one, "select * from ops.batch")}
    assert (statuses[released], statuses[held]) == ("admitted", "held")
    assert everything(one)["ops.quarantine"] == before["ops.quarantine"]

    softer = with_limits(any_settings, tmp_path, "hold: {bad_rows: 3, bad_share: 0.5}")
    report = replay(context(softer), held)
    assert report.changed
    assert report.counts["batches_held"] == 0
    assert report.counts["quarantined"] == 4
    whole(softer)


def test_everything_that_feeds_the_entity_goes_along_and_nothing_else(any_settings: Settings) -> None:
    for stream in (NOTES, CALLS, DEALS):
        land(any_settings, stream, [row(stream)])
    land(any_settings, NOTES, [row(NOTES, conversation_id="n2")], account="another")
    quality.run(context(any_settings))
    before = everything(any_settings)
    assert replay(context(any_settings), NOTES, "8675309").counts["batches"] == 2  # the notes and the calls
    assert replay(context(any_settings), NOTES).counts["batches"] == 3
    assert everything(any_settings) == before


def test_what_still_waits_is_left_to_the_next_admission(any_settings: Settings) -> None:
    land(any_settings, DEALS, [row(DEALS)])
    quality.run(context(any_settings))
    waiting = land(any_settings, DEALS, [row(DEALS, deal_id="7")])
    assert not replay(context(any_settings), DEALS).changed
    [found] = read(any_settings, "select status from ops.batch where batch_id = :id", id=waiting)
    assert found == {"status": "landed"}
    with pytest.raises(ConfigError, match=r"Nothing was ever admitted or held of hubspot\.owners"):
        replay(context(any_settings), "hubspot.owners")
    with pytest.raises(ConfigError, match="of account 9"):
        replay(context(any_settings), DEALS, "9")


def test_a_replay_beside_another_admission_is_refused(settings: Settings, postgres_url: Callable[[], str]) -> None:
    server = replace(settings, warehouse_url=postgres_url())
    land(server, DEALS, [row(DEALS)])
    quality.run(context(server))
    with open_warehouse(server) as engine, engine.connect() as connection:
        connection.execute(text("select pg_advisory_lock(hashtextextended('rebuttal.admit', 0))"))
        with pytest.raises(LockedError, match="Another admission"):
            replay(context(server), DEALS)


@pytest.mark.parametrize(
    "failpoint",
    ["admit.after_check", "replay.after_look", "replay.after_clear", "replay.before_commit", "replay.after_commit"],
)
def test_killed_anywhere_the_old_state_stands_or_the_new_one(
    any_settings: Settings, tmp_path: Path, failpoint: str
) -> None:
    old = with_limits(any_settings, tmp_path, "hold: {bad_rows: 2, bad_share: 0.5}")
    for number in range(3):
        rows = [*ads(("x", 999), ("y", 999)), *ads(("a", 2))] if number == 1 else ads(("a", number), (f"b{number}", 1))
        land(old, ADS, rows)
    quality.run(context(old))
    before = everything(old)
    new = with_limits(any_settings, tmp_path, "hold: {bad_rows: 3, bad_share: 0.5}")
    arguments = (new.home, new.config, new.warehouse_url, new.state_url, NOW.isoformat(), ADS)
    done = apart.run(RUN, *arguments, env={**os.environ, "FAILPOINT": f"{failpoint}:kill"})
    assert done.returncode == -signal.SIGKILL, done.stderr
    if failpoint == "replay.after_commit":
        assert everything(new) != before
    else:
        assert everything(new) == before
    replay(context(new), ADS)  # after the commit, what is left to do is to audit it
    assert not replay(context(new), ADS).changed
    assert read(new, "select status from ops.batch where status <> 'admitted'") == []
    whole(new)


# --- the property ----------------------------------------------------------------------------------------------------

LIMITS = (
    "hold: {bad_rows: 2, bad_share: 0.5, volume_history: 2, volume_rows: 6, volume_factor: 3}",
    "hold: {bad_rows: 3, bad_share: 0.7, volume_history: 2, volume_rows: 8, volume_factor: 2}",
    "hold: {bad_rows: 50}",
)


def history(chance: random.Random) -> list[tuple[str, list[Any], int | None]]:
    """Batches of two streams: new, changed, bad, repeated and out-of-order rows; (stream, rows, days covered)."""
    made: list[tuple[str, list[Any], int | None]] = []
    for _ in range(chance.randint(4, 9)):
        if chance.random() < 0.5:
            rows = [
                hit(chance.randint(0, 14), chance.randint(0, 24) / 2, chance.choice(("/", "/price")))
                for _ in range(chance.randint(1, 6))
            ]
            made.append((HITS, rows, chance.choice((None, 1, 2))))
        else:
            rows = [
                row(ADS, ad_id=f"a{chance.randint(0, 5)}", clicks=str(chance.choice((1, 2, 3, 999))))
                for _ in range(chance.randint(1, 9))
            ]
            made.append((ADS, rows, chance.choice((None, 1, 2))))
    return made


@pytest.mark.parametrize("seed", range(SEEDS))
def test_replayed_core_equals_the_core_of_a_warehouse_that_always_had_the_rule(
    any_settings: Settings,
    fresh: Callable[[], Settings],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    seed: int,
) -> None:
    chance = random.Random(seed)
    made = history(chance)
    old, new = chance.sample(LIMITS, 2)
    released: set[str] = set()
    with window_of(monkeypatch, chance.choice((0, 2, 6))):
        lived = with_limits(any_settings, tmp_path, old)
        for number, (stream, rows, days) in enumerate(made):
            batch_id = land(lived, stream, rows, days=days)
            quality.run(context(lived))
            for held in holds.list_held(context(lived)):
                if chance.random() < 0.3:
                    holds.release(context(lived), held["batch_id"], **OLENA)
                    released.add(held["batch_id"])
            if number % 3 == 2:
                quarantine.release(context(lived), batch_id, **OLENA)
        quality.run(context(lived))
        whole(lived)
    with window_of(monkeypatch, chance.choice((0, 2, 6))):
        lived = with_limits(any_settings, tmp_path, new)
        for stream in sorted({stream for stream, _, _ in made}):
            replay(context(lived), stream)
        whole(lived)
        always = with_limits(fresh(), tmp_path, new)
        for stream, rows, days in made:
            batch_id = land(always, stream, rows, days=days)
            if batch_id in released:
                with open_warehouse(always) as engine, engine.begin() as connection:
                    connection.execute(
                        text("update ops.batch set status_reason = 'hold released by Olena' where batch_id = :id"),
                        {"id": batch_id},
                    )
        quality.run(context(always))
        whole(always)
        assert core(lived) == core(always)
        before, expected = everything(lived), everything(always)
        same = ("ops.batch_outcome", "ops.duplicate", "ops.quarantine", "ops.check_result", "core.hit")
        for table in same:  # provenance too
            assert before[table] == expected[table], table
        # And it is the same again.
        for stream in sorted({stream for stream, _, _ in made}):
            assert not replay(context(lived), stream).changed
        assert everything(lived) == before


def test_what_was_restated_is_the_same_after_a_replay(any_settings: Settings) -> None:
    told = "select week_start, currency, measure, row_count, before, after from ops.restatement order by measure"
    for cost, conversions in (("7000000", "1"), ("8500000", "1"), ("8500000", "3.5")):
        land(any_settings, ADS, [row(ADS, cost_micros=cost, conversions=conversions), row(ADS, ad_id="same")])
        quality.run(context(any_settings))
    before = read(any_settings, told)
    assert [tuple(one.values())[1:] for one in before] == [
        ("EUR", "cost", 1, 7.0, 8.5),
        ("EUR", "platform_conversions", 1, 1.0, 3.5),
    ]
    replay(context(any_settings), ADS)
    assert read(any_settings, told) == before
