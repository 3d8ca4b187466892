"""One company's turns, stage by stage, in processes of their own that may be killed or halted at random moments."""

from __future__ import annotations

import os
import random
import signal
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, date, datetime, timedelta
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from typing import Any

import requests

from bench import apart
from bench.company import Company, World, company
from bench.compare import differences
from bench.invariants import breaches
from bench.prepared import fingerprint
from rebuttal.loop import STAGES
from rebuttal.settings import load_settings
from rebuttal.state import open_state
from rebuttal.state.model import DigestDelivery

LEASE_SECONDS = 2.0
HALTS = 0.2  # of all hits; the others are kills
# How often each is tried to be hit in a week: a hit on dbt costs ten times what one on the outbox does.
TRIES = {"loop": 1, "pull": 12, "admit": 10, "model": 3, "listen": 8, "answer": 18, "prove": 12, "tell": 14}
# It names batches by their numbers, which go by the order of arrival; what was counted stands in ops.batch_outcome.
_BY_ARRIVAL = ("ops.audit_run",)
# A week in which nobody said anything, as a small company has them, is told, and is a problem of `tell`.
_MAY_HAVE_PROBLEMS = {"tell"}
_AGAIN = 4  # a task whose answer was lost is looked for in a later run
State = dict[str, Any]


class Life:
    """A company in `home` that lives through weeks: `open` it, and turn it once in each."""

    def __init__(self, world: World, home: Path, ports: tuple[int, int, int]) -> None:
        self.world, self.home, self.ports = world, home, ports
        self.log = home / "turns.log"

    @contextmanager
    def open(self) -> Iterator[Company]:
        """The sandbox and the mail catcher, where they were left."""
        lease = {"REBUTTAL_LEASE_SECONDS": str(LEASE_SECONDS)}
        with company(self.home, self.world, ports=self.ports, env=lease) as place:
            yield place

    def begin(self, place: Company, week: int) -> str:
        """Let the world move on to the last day of `week` (0: its first turn's), unless it is there; that day."""
        until = date.fromisoformat(self.world.until) + timedelta(weeks=week)
        health = requests.get(f"{place.sandbox_url}/_sandbox/health", timeout=60).json()
        gone = (datetime.fromisoformat(health["now"]) - timedelta(seconds=1)).astimezone(UTC).date()
        if gone < until:
            place.advance((until - gone).days)
        return until.isoformat()

    def turn(self, place: Company, until: str) -> dict[str, float]:
        """All stages, undisturbed: the seconds of each. Raises RuntimeError when one has problems that it must not."""
        seconds = {}
        for stage in STAGES:
            began = time.monotonic()
            code = apart.run(stage, until, place.env, self.log)
            if code not in _good(stage):
                raise RuntimeError(f"an undisturbed {stage} ended with {code}:\n{self.said()}")
            seconds[stage] = time.monotonic() - began
        return seconds | {"loop": sum(seconds.values())}

    def look(self, place: Company) -> State:
        """What must be equal (`tables`, `tasks`, `mails`), `in_doubt` (mails that may never have left), `breaches`."""
        tasks, mails = place.tasks(), place.mails()
        settings, tables = load_settings(place.env), fingerprint(place.env, self.home, "loop")
        with open_state(settings) as sessions, sessions() as session:
            unknown = session.query(DigestDelivery.message_id).filter(DigestDelivery.state == "unknown")
            in_doubt = sorted(name for (name,) in unknown)
        return {
            "tables": {name: list(found) for name, found in tables.items() if name not in _BY_ARRIVAL},
            "tasks": sorted(repr((sorted(one["fields"]["labels"]), one["fields"]["summary"])) for one in tasks),
            "mails": sorted(str(mail["message_id"]) for mail in mails),
            "in_doubt": in_doubt,
            "breaches": breaches(settings, tasks, mails),
        }

    def said(self) -> str:
        """The last that its turns said."""
        return self.log.read_text(encoding="utf-8")[-1500:]


def unlike(calm: State, disturbed: State) -> list[str]:
    """What is not equal after a week, a line each; a mail in doubt may be missing, as at most one is ever sent."""
    lines = differences(calm["tables"], disturbed["tables"])
    for name, doubted in (("tasks", []), ("mails", disturbed["in_doubt"])):
        wanted: Counter[str] = Counter(calm[name])
        found: Counter[str] = Counter(disturbed[name])
        lines += [f"{name}: lost {one}" for one in (wanted - found - Counter(doubted)).elements()]
        lines += [f"{name}: not in the undisturbed company, or doubled: {one}" for one in (found - wanted).elements()]
    return [*lines, *calm["breaches"], *disturbed["breaches"]]


def lay_waste(
    life: Life,
    place: Company,
    until: str,
    seconds: dict[str, float],
    chance: random.Random,
    strike: Callable[[str], bool],
) -> list[str]:
    """A turn whose stages are hit at random moments of their `seconds`; what could not be ended well, a line each.

    `strike(what)` is told of each hit, and answers whether there may be more. Under Airflow, too, a stage is a process
    that is tried again by itself; a few hits go to processes that run the whole loop.
    """
    wrong, may_strike = [], True
    for stage in ("loop", *STAGES):
        for _ in range(TRIES[stage]):
            # Early ones are drawn more often: what a run has done by then stays done, and the next one gets further.
            moment, after = chance.random() ** 2 * seconds[stage], chance.random() * min(seconds[stage], 5)
            is_halt, is_alone = stage != "loop" and chance.random() < HALTS, chance.random() < 0.5
            if not may_strike:
                break
            run = apart.start(stage, until, place.env, life.log)
            run.join(moment)
            if (code := run.exitcode) is not None:
                if code == 0:
                    break
            elif is_halt:
                _signal(run, signal.SIGSTOP)
                ended, other = _take_over(run, life, place, stage, until, after)
                may_strike = strike(f"{stage} halted at {moment:.2f} s: woken up, it {ended}")
                if may_strike and is_alone and other.exitcode is None:
                    _signal(other, signal.SIGKILL)
                    may_strike = strike(f"{stage} killed that had taken over")
                other.join()
            else:
                _signal(run, signal.SIGKILL, is_alone=is_alone)
                run.join()
                if run.exitcode == -signal.SIGKILL:  # or it ended in that very moment
                    may_strike = strike(f"{stage} killed at {moment:.2f} s{', its children not' if is_alone else ''}")
        if stage != "loop":
            wrong += _end_well(life, place, stage, until)
    return wrong


def _end_well(life: Life, place: Company, stage: str, until: str) -> list[str]:
    for _ in range(_AGAIN):
        code = apart.run(stage, until, place.env, life.log)
        if code == 0:
            return []
    if code in _good(stage):
        return []
    return [f"{stage} still ends with {code} after the storm: {life.said()}"]


def _good(stage: str) -> tuple[int, ...]:
    return (0, apart.FAILED) if stage in _MAY_HAVE_PROBLEMS else (0,)


def _take_over(
    halted: ForkServerProcess, life: Life, place: Company, stage: str, until: str, after: float
) -> tuple[str, ForkServerProcess]:
    """Let another run take over from one whose lease is over, and wake that one `after` seconds later.

    How the halted one ended, and the other one, which may be at work still.
    """
    time.sleep(LEASE_SECONDS + 0.5)
    other = apart.start(stage, until, place.env, life.log)
    other.join(after)
    _signal(halted, signal.SIGCONT)
    halted.join()
    return "ended well" if halted.exitcode == 0 else "was shut out", other


def _signal(process: ForkServerProcess, number: signal.Signals, *, is_alone: bool = False) -> None:
    """To the process and all its children, or to it alone (always in the moment before it leads its own group)."""
    assert process.pid is not None
    with suppress(ProcessLookupError):
        if not is_alone and os.getpgid(process.pid) == process.pid:
            os.killpg(process.pid, number)
        else:
            os.kill(process.pid, number)
