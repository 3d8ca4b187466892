"""Kill -9 a running loop at random moments, run it again, and compare with a run that nobody disturbed.

    python -m bench.kills [--kills 10] [--seed 11] [--scale 0.2]

Every trial has a folder and a sandbox of its own (same world, same addresses), so each is compared from the start.
Equal means: the same rows in core, marts and the accounting, the same tasks in the tracker, no mail twice.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

from bench.company import Company, World, company, free_port
from bench.compare import differences, fingerprints

SCHEMAS = ("core", "marts", "ops")


def state_of(place: Company) -> dict[str, Any]:
    """What must be equal: tables, and the tracker's tasks by label and summary."""
    found: dict[str, Any] = dict(fingerprints(f"duckdb:///{place.home / 'warehouse.duckdb'}", SCHEMAS))
    found["tracker"] = sorted((sorted(task["fields"]["labels"]), task["fields"]["summary"]) for task in place.tasks())
    return found


def trial(
    world: World, folder: Path, ports: tuple[int, int, int], kill_after: float | None
) -> tuple[dict[str, Any], float, int]:
    """One company: perhaps a kill, then a clean run. Returns its state, the clean run's seconds, and its mails."""
    with company(folder, world, ports=ports) as place:
        if kill_after is not None:
            place.kill_loop_after(kill_after)
        began = time.monotonic()
        place.loop()
        seconds = time.monotonic() - began
        mails = place.mails()
        twice = [name for name, count in Counter(str(mail["message_id"]) for mail in mails).items() if count > 1]
        if twice:
            raise AssertionError(f"mailed twice: {twice}")
        return state_of(place), seconds, len(mails)


def main(arguments: list[str] | None = None) -> int:
    """Print a line per kill; exit 1 when one left a difference."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument("--seed", type=int, default=11)
    parser.add_argument("--scale", type=float, default=0.2)
    chosen = parser.parse_args(arguments)
    chance = random.Random(chosen.seed)
    world = World(chosen.seed, scale=chosen.scale)
    ports = (free_port(), free_port(), free_port())
    failed = 0
    with tempfile.TemporaryDirectory(prefix="rebuttal-kills-") as place:
        expected, seconds, mails = trial(world, Path(place) / "undisturbed", ports, None)
        print(f"undisturbed: {seconds:.1f} s, {len(expected['tracker'])} tasks, {mails} mails", flush=True)
        for number in range(chosen.kills):
            moment = seconds * (number + chance.random()) / chosen.kills
            got, _, got_mails = trial(world, Path(place) / f"kill{number}", ports, moment)
            wrong = differences(expected, got)
            failed += bool(wrong)
            print(f"kill at {moment:5.1f} s: {'equal' if not wrong else 'DIFFERENT'}, {got_mails} mails", flush=True)
            for line in wrong:
                print(f"    {line}")
    print(f"{chosen.kills - failed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
