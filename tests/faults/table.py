"""The table of faults: one entry per fault and variant, with what is injected, where, and what must come of it.

The numbers are those of the fault catalogue: 59 a field changes, 60 a new column, 61 a new word, 62 values that are
none, 63 number formats, 64 time zones, 65 impossible times, 66 a cursor in the future, 67 currencies, 68 restatement,
69 deletion, 70 merged people, 71 one person at two partners, 72 one id with two contents, 73 another account's data,
74 broken text, 75 sizes, 76 bombs, 77 other hosts, 78 the end of an API, 79 estimates, 80 unusual volume.
Of vendors' answers: 48 throttles, 49 failures, 50 tokens, 52 errors with status 200, 53 slowness, 54 cut bodies, 55 cut
pages, 56 doubled pages, 57 circles, 58 cursors that expire. Of infrastructure: 33 a full log, 41-43 stores of others
and turned bytes, 44 yesterday's backup, 45 clocks, 46 names and certificates, 47 proxies.
Of processes: 1-11 killed at a place, 16 halted past the lease, 17 told to end, 18-19 schedulers, 20 dispatched twice,
21 backfill and live run, 22 started five times, 23 an old run repeated, 24-26 locks, 27 versions of the code, 28 a
migration killed, 29 memory, 30 a pending load, 31 a lost disk (12-15 are of webhooks).
Of texts and tasks: 100 hostile text, 101 formulas, 108 an answer lost, 109 an index that lags, 110 limits and failures,
111 refusals, 112 edits, 113 deleted, archived, moved, declined, 114 markers removed and copied, 115 back again,
116 another vocabulary, 117 two workers, 118 a row seen late, 119 another workspace, 120 echoes, 126 headers of mails.
Of webhooks and the inbox: 12 to 14 a receiver killed, 15 a worker killed, 24 a lock, 32 a full disk, 34 errors of
writing, 35 of syncing, 36 a restart, 37 an outage, 38 a failover, 39 connections, 40 a read-only store, 81 copies,
82 one id with two bodies, 83 two ids with one, 84 order, 85 strangers, 86 forgeries, 87 proxies, 88 replays,
89 rotation, 90 addresses, 91 floods, 92 sizes, 93 batches, 94 new kinds, 95 other requests, 96 silence, 97 slow work,
98 poison, 99 handshakes.
Of mails and dashboards: 121 servers, 122 refusals, 123 lost answers, 124 repeats, 125 weeks, 127 held data, 128-130
partners, 131 publishing, 132 injections. Of language models: 102-107.
Of privacy and security: 133 erasure in the middle of things, 134 merged contacts, 135 asked twice, 136 a restored
backup, 137 ways to write an address, 138 secrets, 140 routes, 142 addresses that users give, 144 unsafe formats, 146
comparing secrets, 139 keys, 141 limits, 143 dependencies, 145 logs, 147 partners that leave.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

NUMBERS = range(1, 148)
Test = TypeVar("Test", bound=Callable[..., None])


@dataclass(frozen=True)
class Entry:
    """`through` is the real way that the fault goes; `pending` says why nothing proves the outcome yet.

    tracker: from the marts through the outbox to a tracker over HTTP, and back; process: stages in processes that die;
    webhook: over HTTP into the inbox; inbox: from the inbox to whoever works on its events;
    mail, export: on the way out; store: in every table and file; connection: between a client of ours and a server;
    page: in Airflow's API server; code: in every source file.
    `test`: what proves it, `file::function` from the project's root; None while nothing does. `case`: where only some
    of its cases do, the parameter that they have.
    """

    number: int
    injected: str
    through: str  # one of WAYS
    outcome: str
    pending: str | None = None
    test: str | None = None
    case: str = ""


TABLE: list[Entry] = []
AGAIN: list[str] = []  # tests elsewhere that prove again what the table's prove, for the long form
WAYS = (
    *("wire", "gate", "marts", "tracker", "process", "webhook", "inbox"),
    *("mail", "export", "store", "connection", "page", "code"),
)


def fault(number: int, injected: str, through: str, outcome: str, case: str = "") -> Callable[[Test], Test]:
    """Enter a test function in the table; a function may prove several entries."""

    return each([Entry(number, injected, through, outcome, case=case)])


def each(cases: Iterable[Entry]) -> Callable[[Test], Test]:
    """Enter a test function for all `cases` that it goes through."""

    def enter(test: Test) -> Test:
        place = f"{test.__module__.replace('.', '/')}.py::{test.__name__}"
        TABLE.extend(replace(case, test=place) for case in cases)
        return test

    return enter


def elsewhere(number: int, injected: str, through: str, outcome: str, test: str, case: str = "") -> None:
    """Enter a fault that `test` (`file::function`, from the project's root) proves beside its own subject."""
    TABLE.append(Entry(number, injected, through, outcome, test=test, case=case))


def again(test: str) -> None:
    """`test` (`file::function`) proves once more what others prove; it is marked `long_form`."""
    AGAIN.append(test)


def pending(number: int, injected: str, outcome: str, why: str) -> None:
    """Enter a fault that nothing proves yet."""
    TABLE.append(Entry(number, injected, "-", outcome, why))


def files() -> list[Path]:
    """Every test file that enters something, found by its import of this module: none has to be listed."""
    tests = Path(__file__).resolve().parents[1]
    entering = "from tests.faults.table import "
    named = [*tests.rglob("test_*.py"), *tests.rglob("proved_*.py")]
    return [path for path in sorted(named) if entering in path.read_text(encoding="utf-8")]


def whole_table() -> list[Entry]:
    """All entries, whichever tests are run: an entry is made when its file is imported."""
    root = Path(__file__).resolve().parents[2]
    for path in files():
        importlib.import_module(".".join(path.relative_to(root).with_suffix("").parts))
    return TABLE


def proofs() -> dict[str, set[str]]:
    """The tests (`file::function`) that prove faults, each with the cases that do; "" for all of them."""
    found: dict[str, set[str]] = {}
    for entry in whole_table():
        if entry.test is not None:
            found.setdefault(entry.test, set()).add(entry.case)
    return found
