"""A storm: two companies of one seed live through the same weeks, and one of them is killed and halted all the time.

All that a storm has done stands in its folder, so that it can be stopped between two hits and goes on where it was.
"""

from __future__ import annotations

import json
import os
import random
import signal
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path
from types import FrameType

from bench.company import World, free_port
from bench.storm.turns import Life, State, lay_waste, unlike

WEEKS_AT_ONCE = 1  # of one company, before the other lives through them
_SHOWN = 12


@dataclass
class Progress:
    """How far a storm is. `calm`: a state and the seconds of each stage for each week of the undisturbed company."""

    path: Path
    seed: int
    ports: tuple[int, int, int]
    calm: list[tuple[State, dict[str, float]]] = field(default_factory=list)
    weeks: list[int] = field(default_factory=list)  # how many differences and breaches each disturbed week left
    hits: list[str] = field(default_factory=list)
    turning: bool = False  # the undisturbed company is within a turn

    @classmethod
    def load(cls, folder: Path, seed: int) -> Progress:
        """What stands in `folder`, or a beginning. Raises RuntimeError for another seed's, or a disturbed calm."""
        path = folder / "progress.json"
        if not path.exists():
            folder.mkdir(parents=True, exist_ok=True)
            return cls(path, seed, (free_port(), free_port(), free_port()))
        told = json.loads(path.read_text(encoding="utf-8"))
        found = cls(**told | {"path": path, "ports": tuple(told["ports"])})
        if found.seed != seed:
            raise RuntimeError(f"{folder} holds a storm of seed {found.seed}, not of {seed}")
        if found.turning:
            raise RuntimeError(f"the undisturbed company was stopped within a turn: remove {folder} and begin anew")
        return found

    def save(self) -> None:
        """Replace the file as a whole."""
        new = self.path.with_suffix(".new")
        new.write_text(json.dumps(asdict(self) | {"path": ""}), encoding="utf-8")
        os.replace(new, self.path)


class Patience:
    """Until when a storm may go on: `minutes` from now, or until this process is told to end."""

    def __init__(self, minutes: float) -> None:
        self._until = time.monotonic() + 60 * minutes
        self._is_told = False
        signal.signal(signal.SIGTERM, self._end)

    def is_over(self) -> bool:
        """Whether to stop at the next good place."""
        return self._is_told or time.monotonic() > self._until

    def _end(self, _number: int, _frame: FrameType | None) -> None:
        self._is_told = True


def storm(world: World, folder: Path, kills: int, minutes: float = 1e6) -> int:
    """Weeks of kills and halts until there were `kills`, or time is over; how many weeks left a difference or a breach.

    With the same `folder` a storm that was stopped goes on. What is drawn follows from the seed and the week; how
    processes mix does not.
    """
    progress, patience = Progress.load(folder, world.seed), Patience(minutes)
    calm, disturbed = (Life(world, folder / name, progress.ports) for name in ("calm", "disturbed"))
    while (len(progress.hits) < kills or len(progress.weeks) < len(progress.calm)) and not patience.is_over():
        if len(progress.weeks) == len(progress.calm):
            _live(calm, progress, patience)
        else:
            _endure(disturbed, progress, kills, patience)
    halted = sum("halted" in hit for hit in progress.hits)
    tasks, mails = ((len(progress.calm[-1][0][name]) if progress.calm else 0) for name in ("tasks", "mails"))
    bad = sum(map(bool, progress.weeks))
    print(
        f"storm of seed {world.seed}: {len(progress.hits) - halted} kills and {halted} halts in {len(progress.weeks)}"
        f" whole weeks ({tasks} tasks, {mails} mails), {bad} with a difference or a breach"
        + ("" if len(progress.hits) >= kills else f"; stopped before {kills}, the same command goes on"),
        flush=True,
    )
    return bad


def _live(calm: Life, progress: Progress, patience: Patience) -> None:
    with calm.open() as place:
        for week in range(len(progress.calm), len(progress.calm) + WEEKS_AT_ONCE):
            if patience.is_over():
                return
            progress.turning = True
            progress.save()
            seconds = calm.turn(place, calm.begin(place, week))
            progress.calm.append((calm.look(place), seconds))
            progress.turning = False
            progress.save()
            told = ", ".join(f"{stage} {spent:.0f}" for stage, spent in seconds.items())
            state = progress.calm[-1][0]
            made = f"{len(state['tables'])} tables, {len(state['tasks'])} tasks, {len(state['mails'])} mails"
            print(f"week {week}: undisturbed: {made}; seconds: {told}", flush=True)


def _endure(disturbed: Life, progress: Progress, kills: int, patience: Patience) -> None:
    def strike(what: str) -> bool:
        progress.hits.append(what)
        progress.save()
        print(f"{len(progress.hits):4} {what}", flush=True)
        return len(progress.hits) < kills and not patience.is_over()

    with disturbed.open() as place:
        for week in range(len(progress.weeks), len(progress.calm)):
            if patience.is_over():
                return
            before, (calm, seconds) = len(progress.hits), progress.calm[week]
            # Another draw for what is left of a week that was begun before.
            chance = random.Random(f"{progress.seed}/{week}/{before}")
            wrong = lay_waste(disturbed, place, disturbed.begin(place, week), seconds, chance, strike)
            found = disturbed.look(place)
            wrong += unlike(calm, found)
            progress.weeks.append(len(wrong))
            progress.save()
            doubt = f", {len(found['in_doubt'])} mails in doubt so far" if found["in_doubt"] else ""
            told = "DIFFERENT" if wrong else "equal"
            print(f"week {week}: {len(progress.hits) - before} hits since its beginning{doubt}; {told}", flush=True)
            for line in wrong[:_SHOWN]:
                print(f"    {line}", flush=True)
