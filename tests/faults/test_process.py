"""Processes that are killed, halted, doubled and late (1-31): nothing is lost, nothing is done twice."""

from __future__ import annotations

import os
import signal
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from landed import NOW, land, read, row
from tests import apart
from tests.faults.long_form import SECOND_ENGINE
from tests.faults.table import again, elsewhere, fault, pending
from tests.sources.conftest import Setup, make_context
from tests.sources.vendors import vendors
from tests.sources.wire import Wire

from rebuttal import sources
from rebuttal.errors import BusyError
from rebuttal.settings import Settings
from rebuttal.state import alone
from rebuttal.warehouse import open_warehouse

Make = Callable[..., Setup]
DEALS, SOURCE = "hubspot.deals", "google_ads"
PULL = "import sys; from tests.faults.test_process import pull_apart; pull_apart(*sys.argv[1:])"
REBUTTAL = "import sys; from rebuttal.cli import main; sys.exit(main())"
OPEN_STATE = """
import sys
from pathlib import Path
from rebuttal.settings import Settings
from rebuttal.state import open_state
home, state = sys.argv[1:]
with open_state(Settings(Path(home), Path(home), "", "duckdb:///x", state)):
    pass
"""


def pull_apart(base: str, home: str, config: str, warehouse: str, state: str) -> None:
    """In a process of its own: pull from the fake at `base`, with a lease of a second."""
    wire = Wire("")
    wire.base = base
    settings = Settings(Path(home), Path(config), "", warehouse, state, lease_seconds=1.0)
    sources.run(make_context(settings, wire, vendors()[SOURCE]), SOURCE)


def start_pull(setup: Setup, failpoint: str = "") -> apart.Started:
    settings = setup.context.settings
    places = (setup.wire.base, settings.home, settings.config, settings.warehouse_url, settings.state_url)
    return apart.start(PULL, *places, env={**os.environ, "FAILPOINT": failpoint})


def start_admit(settings: Settings, failpoint: str = "") -> apart.Started:
    """`rebuttal admit` as an operator starts it."""
    told = {
        "REBUTTAL_HOME": settings.home,
        "REBUTTAL_CONFIG": settings.config,
        "REBUTTAL_WAREHOUSE_URL": settings.warehouse_url,
        "REBUTTAL_STATE_URL": settings.state_url,
        "REBUTTAL_LEASE_SECONDS": settings.lease_seconds,
        "REBUTTAL_IDENTITY_KEY": "test-identity-key",
        "FAILPOINT": failpoint,
    }
    env = {**os.environ, **{name: str(value) for name, value in told.items()}}
    return apart.start(REBUTTAL, "admit", "--until", "2026-11-09", env=env)


def end_of(process: apart.Started) -> tuple[int, str]:
    """Exit code, and what it said on standard error."""
    ended = process.end()
    return ended.returncode, ended.stderr


class CaughtRenewing(Exception):
    """It stands still in the middle of renewing its lease."""


@contextmanager
def standing_still(start: Callable[[], apart.Started], settings: Settings) -> Iterator[apart.Started]:
    """What `start` starts, while it stands still at its failpoint; it wakes up at the end.

    Its lease is renewed by a thread: halted in the middle of that it would keep SQLite's lock, and everybody out. That
    is another fault than those of this file, so it is killed and started anew.
    """
    while True:
        first = start()
        with suppress(CaughtRenewing), first.halted():
            with closing(sqlite3.connect(settings.home / "state.sqlite", timeout=0, isolation_level=None)) as state:
                try:
                    state.execute("begin immediate")
                except sqlite3.OperationalError as error:
                    raise CaughtRenewing from error
            yield first
            return
        first.end()


def refuse_twin(settings: Settings, resource: str) -> str:
    """What a second one is told that starts now."""
    with pytest.raises(BusyError) as told, alone(settings, resource):
        pass
    return str(told.value)


# --- killed ----------------------------------------------------------------------------------------------------------

_PULLED = "tests/sources/test_pull.py::test_kill_9_and_a_rerun_equal_an_undisturbed_pull"
_ADMITTED = "tests/quality/test_killed.py::test_killed_and_run_again_equals_undisturbed"
_ANSWERED = "tests/content/test_killed.py::test_killed_there_and_run_again_there_is_one_task_per_theme"
again("tests/loop/test_kills.py::test_killed_everywhere_a_stage_ends_like_an_undisturbed_one")
for number, injected, outcome, test, case in (
    (1, "between two pages", "no batch and no cursor; the rerun lands all rows once", _PULLED, "pull.after_page"),
    (2, "after the rows' file, before its batch", "the file is swept; one batch", _PULLED, "pull.after_file"),
    (4, "after the checks", "the batch stays landed, nothing of it is in core", _ADMITTED, "admit.after_check"),
    (5, "between quarantine and merge", "both or neither; every row accounted for", _ADMITTED, "admit.before_commit"),
    (6, "in the merge's transaction", "core as before; the rerun merges", _ADMITTED, "admit.before_commit"),
    (7, "after the merge's commit", "the rerun changes no row of it", _ADMITTED, "admit.after_commit"),
    (8, "after objections, before a task", "the next run makes exactly one", _ANSWERED, "content.after_follow"),
    (9, "after the outbox row, before the tracker", "sent once", _ANSWERED, "content.after_propose"),
    (10, "after the tracker took the task", "found again; one open task", _ANSWERED, "content.after_send"),
):
    elsewhere(number, f"kill -9 {injected}", "process", outcome, test, case)
elsewhere(
    11, "kill -9 between readers of a mail", "process", "each has it once; one in doubt is not mailed again",
    "tests/reports/test_delivery.py::test_killed_there_and_run_again_nobody_gets_two",
)  # fmt: skip


@fault(3, "kill -9 right after the batch was committed", "process", "nothing is landed again")
@SECOND_ENGINE
def test_a_pull_that_was_killed_after_its_commit_lands_nothing_again(vendor: Make) -> None:
    setup = vendor(SOURCE)
    assert end_of(start_pull(setup, "pull.after_commit:kill"))[0] == -signal.SIGKILL
    landed = setup.tables()
    assert setup.query("select row_count from ops.batch") == [(7,)]
    report = setup.pull()
    assert (report.problems, report.changed) == ([], False)
    # Only the fence has moved: the lease was taken over from one that is dead.
    assert {**setup.tables(), "ops.fence": landed["ops.fence"]} == landed
    assert not list(setup.context.settings.spool.rglob("*.parquet"))


@fault(17, "SIGTERM while a batch is admitted", "process", "rolled back; the exit code says so; the next run does it")
def test_a_stage_that_is_told_to_end_rolls_back(settings: Settings) -> None:
    land(settings, DEALS, [row(DEALS)])
    first = start_admit(settings, "admit.before_commit:stop")
    with first.halted():
        first.send_signal(signal.SIGTERM)
    assert end_of(first)[0] == -signal.SIGTERM
    assert read(settings, "select status from ops.batch") == [{"status": "landed"}]
    assert read(settings, "select * from core.deal") == []
    assert end_of(start_admit(settings)) == (0, "")  # at once: who is gone holds no lease
    assert read(settings, "select status from ops.batch") == [{"status": "admitted"}]


@fault(
    30, "SIGTERM while a file of rows waits for its load", "process", "the next pull lands those rows and newer ones"
)
def test_a_pull_that_is_told_to_end_leaves_its_rows_to_the_next(make_setup: Make) -> None:
    setup = make_setup(SOURCE)
    first = start_pull(setup, "pull.after_file:stop@1")
    with first.halted():
        assert [path.suffix for path in setup.context.settings.spool.rglob("*.parquet")] == [".parquet"]
        first.send_signal(signal.SIGTERM)
    assert end_of(first)[0] == -signal.SIGTERM
    assert setup.query("select * from ops.batch") == []
    newer = {**setup.vendor.data["rows"][0], "adGroupAd": {"ad": {"id": "77", "finalUrls": ["https://shop.test/a"]}}}
    setup.vendor.data["rows"].append(newer)
    assert setup.pull().problems == []
    assert {row[0] for row in setup.rows("ad_performance", "ad_id")} == setup.vendor.expected["ad_performance"] | {"77"}
    assert setup.query("select row_count from ops.batch") == [(8,)]
    assert not list(setup.context.settings.spool.rglob("*.parquet"))


# --- halted, doubled, late -------------------------------------------------------------------------------------------


@fault(16, "a pull halted past its lease, a second one, the first woken up", "process", "the first is refused: 1 batch")
def test_a_pull_that_comes_back_late_lands_nothing(vendor: Make) -> None:
    setup = vendor(SOURCE)
    late = replace(setup.context.settings, lease_seconds=1.0)
    with standing_still(lambda: start_pull(setup, "pull.after_page:stop@1"), late) as first:
        with alone(late, "pull:google_ads", wait=60):  # another host takes over
            assert setup.pull().problems == []
        landed = setup.tables()
    code, said = end_of(first)
    assert code == 1
    assert "LeaseLostError: The lease on pull:google_ads was lost" in said
    assert setup.tables() == landed
    assert setup.query("select row_count from ops.batch") == [(7,)]


@fault(16, "an admission halted in its transaction past its lease", "process", "the commit is refused, core unchanged")
def test_an_admission_that_comes_back_late_merges_nothing(settings: Settings, postgres_url: Callable[[], str]) -> None:
    server = replace(settings, warehouse_url=postgres_url(), lease_seconds=1.0)
    land(server, DEALS, [row(DEALS)])
    halted = standing_still(lambda: start_admit(server, "admit.before_commit:stop"), server)
    with halted as first, alone(server, "admit", wait=60), open_warehouse(server):
        pass
    code, said = end_of(first)
    assert code == 1
    assert said.startswith("error: The lease on admit was lost")
    assert read(server, "select * from core.deal") == []
    assert end_of(start_admit(server)) == (0, "")
    assert len(read(server, "select * from core.deal")) == 1


@fault(20, "a task dispatched twice", "process", "the second is told who is at it, and ends with a code of its own")
@fault(22, "five started in the same second", "process", "one does the work, the others change nothing and say why")
def test_of_five_at_once_one_works(settings: Settings) -> None:
    land(settings, DEALS, [row(DEALS)])
    first = start_admit(settings, "admit.after_stage:stop")
    with first.halted():
        code, said = end_of(start_admit(settings))
        assert code == 3
        assert said.startswith("busy: admit is already running since 20")
        told = [refuse_twin(settings, "admit") for _ in range(3)]
        assert len(set(told)) == 1
    assert end_of(first) == (0, "")
    assert read(settings, 'select landed, "new" from ops.batch_outcome') == [{"landed": 1, "new": 1}]


@fault(21, "a backfill while a live pull is at it", "process", "it is told to wait; then both stand, the cursor stays")
def test_a_backfill_waits_for_the_live_pull(vendor: Make) -> None:
    setup = vendor(SOURCE)
    window = (date(2026, 10, 1), date(2026, 10, 31))
    patient = replace(setup.context.settings, lease_seconds=60.0)
    with standing_still(lambda: start_pull(setup, "pull.after_page:stop@1"), patient) as first:
        assert refuse_twin(patient, "pull:google_ads").startswith("pull:google_ads is already running since 20")
    assert end_of(first)[0] == 0
    cursor = setup.query("select max(cursor_after) from ops.batch where kind = 'live'")
    assert setup.pull(window=window).problems == []
    assert setup.query("select max(cursor_after) from ops.batch") == cursor


elsewhere(
    21, "a backfill that brings older versions", "gate", "core keeps the vendor's newest version",
    "tests/quality/test_admit.py::test_a_newer_version_replaces_and_an_older_one_does_not",
)  # fmt: skip
elsewhere(
    23, "an old run repeated after newer data was merged", "gate", "newer facts stay",
    "tests/quality/test_admit.py::test_a_newer_version_replaces_and_an_older_one_does_not",
)  # fmt: skip
elsewhere(
    24, "a table locked by somebody for longer than we wait", "process", "a clear LockedError; nothing written",
    "tests/warehouse/test_locks.py::test_an_admission_that_waits_too_long_for_a_lock_says_so_and_has_written_nothing",
)  # fmt: skip
elsewhere(
    25, "two transactions that wait for each other", "process", "a LockedError, which is retried as a whole",
    "tests/warehouse/test_locks.py::test_a_deadlock_is_named",
)  # fmt: skip
elsewhere(
    26, "the DuckDB file held by another process", "process", "a clear LockedError; no half state",
    "tests/sources/test_pull.py::test_a_held_warehouse_stops_the_pull_with_a_clear_error",
)  # fmt: skip
elsewhere(
    27, "tables of an older version of the code", "gate", "they get what is missing and keep their rows",
    "tests/warehouse/test_columns.py::test_an_older_table_gets_its_new_column_and_keeps_its_rows",
)  # fmt: skip
elsewhere(
    27, "a state store of a newer version of the code", "process", "refused in plain words, nothing written",
    "tests/state/test_state.py::test_a_store_of_a_newer_version_is_refused_in_plain_words",
)  # fmt: skip
elsewhere(
    29, "a pull larger than memory", "process", "memory is bounded by a chunk, whatever the number of rows",
    "tests/sources/test_pull.py::test_the_row_spool_holds_no_more_than_a_chunk",
)  # fmt: skip


@fault(28, "kill -9 half-way through the migrations", "process", "nothing of them is there; opening again makes all")
@pytest.mark.parametrize("engine", ["sqlite", "postgres"])
def test_a_migration_that_was_killed_is_run_again(
    settings: Settings, engine: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    from sqlalchemy import create_engine, inspect

    from rebuttal.state import open_state
    from rebuttal.state.model import Base

    url = f"sqlite:///{tmp_path / 'new.sqlite'}" if engine == "sqlite" else request.getfixturevalue("postgres_url")()
    killed = {**os.environ, "FAILPOINT": "state.before_commit:kill"}
    done = apart.run(OPEN_STATE, settings.home, url, env=killed)
    assert done.returncode == -signal.SIGKILL
    store = create_engine(url)
    assert inspect(store).get_table_names() == []
    with open_state(replace(settings, state_url=url)):
        pass
    assert {table.name for table in Base.metadata.sorted_tables} <= set(inspect(store).get_table_names())
    store.dispose()


@fault(31, "a worker's disk lost: spool, caches, published copy", "process", "all state is in the stores; no row twice")
def test_a_new_disk_lands_nothing_again(vendor: Make, any_settings: Settings, tmp_path: Path) -> None:
    setup = vendor(SOURCE)
    setup.pull()
    before = setup.tables()
    lost = replace(setup.context.settings, home=tmp_path / "new disk")
    report = replace(setup, context=replace(setup.context, settings=lost)).pull()
    assert (report.problems, report.changed) == ([], False)
    assert setup.tables() == before


# --- what is not ours ------------------------------------------------------------------------------------------------

pending(
    18, "two schedulers, one DAG", "one run for each logical date; no effect twice",
    "Airflow's own: schedulers share row locks, and (dag_id, logical_date) is unique in its database. What gets past it"
    " would be a second copy of a task, which is fault 20.",
)  # fmt: skip
pending(
    19, "the scheduler killed while tasks run", "tasks are adopted, or run again",
    "Airflow's own: another scheduler adopts them. A task that is run again while its first copy lives finds the lease"
    " (20); when the first comes back late it is fenced off (16).",
)  # fmt: skip


def test_now_is_the_day_that_the_command_is_told() -> None:
    assert NOW.date() == date(2026, 11, 10)
