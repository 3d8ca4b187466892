"""A company's turn in one week, disturbed by kills and halts or not at all."""

from __future__ import annotations

import os
import random
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import date, timedelta
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from typing import Any

from bench import apart
from bench.company import Company, World, company
from bench.compare import fingerprints
from bench.invariants import breaches
from rebuttal.settings import load_settings

LEASE_SECONDS = 2.0
HALTS = 0.25  # of all hits; the others are kills
SCHEMAS = ("core", "marts", "ops")


@dataclass
class Hits:
    """What was done to a week's turns, and what became of those that were woken up again."""

    killed: int = 0
    halted: int = 0
    endings: dict[str, int] = field(default_factory=dict)

    @property
    def total(self) -> int:
        """Kills and halts."""
        return self.killed + self.halted

    def __str__(self) -> str:
        told = ", ".join(f"{count} {name}" for name, count in sorted(self.endings.items()))
        return f"{self.killed} killed, {self.halted} halted{f' (woken up: {told})' if told else ''}"


class Storm:
    """One company in week `week` (0: its first turn): a sandbox that goes on where the last week's ended."""

    def __init__(self, world: World, home: Path, ports: tuple[int, int, int], week: int) -> None:
        self.world, self.home, self.ports, self.week = world, home, ports, week
        self.until = (date.fromisoformat(world.until) + timedelta(weeks=week)).isoformat()
        self.state: dict[str, Any] = {}
        self.breaches: list[str] = []

    def undisturbed(self) -> None:
        """Turn once, and look. Raises RuntimeError when the turn has problems."""
        with self.open() as place:
            code = apart.run("loop", self.until, place.env, self.home / "turns.log")
            if code:
                raise RuntimeError(f"an undisturbed turn has problems:\n{self.log()[-3000:]}")
            self.look(place)

    @contextmanager
    def open(self) -> Iterator[Company]:
        """The sandbox and the mail catcher, in this week."""
        lease = {"REBUTTAL_LEASE_SECONDS": str(LEASE_SECONDS)}
        with company(self.home, self.world, ports=self.ports, env=lease) as place:
            if self.week:
                place.advance(7)
            yield place

    def look(self, place: Company) -> None:
        """Read what must be equal, and what must hold."""
        tasks = place.tasks()
        self.state = dict(fingerprints(f"duckdb:///{self.home / 'warehouse.duckdb'}", SCHEMAS))
        self.state["tracker"] = sorted((sorted(one["fields"]["labels"]), one["fields"]["summary"]) for one in tasks)
        self.breaches = breaches(load_settings(place.env), tasks, place.mails())

    def log(self) -> str:
        """What the turns said."""
        return (self.home / "turns.log").read_text(encoding="utf-8")


def lay_waste(storm: Storm, chance: random.Random, most: int, seconds: float) -> Hits:
    """Disturb the turn at random moments of its `seconds` until one gets through, or `most` hits; then let it end."""
    hits = Hits()
    with storm.open() as place:
        log, is_through = storm.home / "turns.log", False
        while hits.total < most and not is_through:
            # Early ones are drawn more often: what a turn has done by then stays done, and the next one gets further.
            moment, is_halt = chance.random() ** 3 * seconds, chance.random() < HALTS
            wake_after = chance.random() * 5
            turn = apart.start("loop", storm.until, place.env, log)
            turn.join(moment)
            if turn.exitcode is not None:
                is_through = turn.exitcode == 0
            elif is_halt:
                hits.halted += 1
                ending = _halt(turn, storm, place, wake_after)
                hits.endings[ending] = hits.endings.get(ending, 0) + 1
            else:
                hits.killed += 1
                _signal(turn, signal.SIGKILL)
                turn.join()
        for _ in range(3):  # a task whose answer was lost is looked for in a later turn
            if apart.run("loop", storm.until, place.env, log) == 0:
                break
        else:
            storm.breaches.append(f"the turns after the storm have problems: {storm.log()[-1500:]}")
            return hits
        storm.look(place)
    return hits


def _halt(turn: ForkServerProcess, storm: Storm, place: Company, wake_after: float) -> str:
    """Halt the turn past its lease, let another take over, wake it up; how it ended."""
    _signal(turn, signal.SIGSTOP)
    time.sleep(LEASE_SECONDS + 0.5)
    other = apart.start("loop", storm.until, place.env, storm.home / "turns.log")
    other.join(wake_after)
    _signal(turn, signal.SIGCONT)
    turn.join()
    other.join()
    return "well" if turn.exitcode == 0 else "refused or shut out"


def _signal(process: ForkServerProcess, number: signal.Signals) -> None:
    """To the process and all its children, or to it alone in the moment before it leads a group of its own."""
    assert process.pid is not None
    with suppress(ProcessLookupError):
        if os.getpgid(process.pid) == process.pid:
            os.killpg(process.pid, number)
        else:
            os.kill(process.pid, number)
