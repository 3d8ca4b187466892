"""The table of content faults: one entry per fault and variant, with what is injected, where, and what must come of it.

The numbers are those of the fault catalogue: 59 a field changes, 60 a new column, 61 a new word, 62 values that are
none, 63 number formats, 64 time zones, 65 impossible times, 66 a cursor in the future, 67 currencies, 68 restatement,
69 deletion, 70 merged people, 71 one person at two partners, 72 one id with two contents, 73 another account's data,
74 broken text, 75 sizes, 76 bombs, 77 other hosts, 78 the end of an API, 79 estimates, 80 unusual volume.
Of texts and tasks: 100 hostile text, 101 formulas, 108 an answer lost, 109 an index that lags, 110 limits and failures,
111 refusals, 112 edits, 113 deleted, archived, moved, declined, 114 markers removed and copied, 115 back again,
116 another vocabulary, 117 two workers, 118 a row seen late, 119 another workspace, 120 echoes.
Of webhooks and the inbox: 12 to 14 a receiver killed, 15 a worker killed, 24 a lock, 32 a full disk, 34 errors of
writing, 35 of syncing, 36 a restart, 37 an outage, 38 a failover, 39 connections, 40 a read-only store, 81 copies, 82
one id with two bodies, 83 two ids with one, 86 forgeries, 87 proxies, 88 replays, 89 rotation, 90 addresses, 91 floods,
92 sizes, 93 batches, 94 new kinds, 95 other requests, 97 slow work, 98 poison, 99 handshakes.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

RECEIVER = (12, 13, 14, 15, 24, 32, 34, 35, 36, 37, 38, 39, 40, 81, 82, 83, *range(86, 96), 97, 98, 99)
NUMBERS = (*RECEIVER, *range(59, 81), 100, 101, *range(108, 121))
Test = TypeVar("Test", bound=Callable[..., None])


@dataclass(frozen=True)
class Entry:
    """`through` is the real way that the fault goes; `pending` says why nothing proves the outcome yet.

    tracker: from the marts through the outbox to a tracker over HTTP, and back; webhook: over HTTP into the inbox;
    inbox: from the inbox to whoever works on its events.
    """

    number: int
    injected: str
    through: str  # wire | gate | marts | tracker | webhook | inbox
    outcome: str
    pending: str | None = None


TABLE: list[Entry] = []


def fault(number: int, injected: str, through: str, outcome: str) -> Callable[[Test], Test]:
    """Enter a test function in the table; a function may prove several entries."""

    def enter(test: Test) -> Test:
        TABLE.append(Entry(number, injected, through, outcome))
        return test

    return enter


def pending(number: int, injected: str, outcome: str, why: str) -> None:
    """Enter a fault that nothing proves yet."""
    TABLE.append(Entry(number, injected, "-", outcome, why))
