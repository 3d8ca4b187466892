"""Die everywhere and end well: a sweep over every failpoint, and a storm of kills and halts at random moments.

    python -m bench.kills [--kills 20] [--seed 11] [--scale 0.1] [--engines duckdb,postgres] [--rows]
        [--folder F] [--minutes M]

**Sweep**: at each failpoint that an ordinary turn passes, a stage of a company in its second week is killed there and
run again; all tables must be what an undisturbed run made of them.
**Storm**: two companies of one seed live through the same weeks. One is left alone; the other's stages are killed (-9),
or halted past their lease while a second process takes over and then woken up, at random moments, until one gets
through. After each week tables, tasks and mails of both must be equal, and the invariants of `bench.invariants` hold.
With `--folder` a storm that was stopped (SIGTERM, or after `--minutes`) goes on when the same command is given again.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from bench import apart, failpoints
from bench.company import World, company
from bench.compare import differences
from bench.prepared import Copy, Prepared, fingerprint
from bench.storm.weeks import storm

KILLED = -9
_SHOWN = 12


def die_and_run_again(prepared: Prepared, stage: str, at: Sequence[str]) -> list[str]:
    """Kill the stage at each failpoint of `at`, one run after the other, then run it again.

    What is different from the undisturbed stage, a line each.
    """
    env, home = prepared.again(stage, "disturbed")
    log = prepared.folder / "log"
    for failpoint in at:
        code = apart.run(stage, prepared.until, env, log, f"{failpoint}:kill")
        if code != KILLED:
            return [f"it was not killed: {stage} ended with {code}, so it does not pass {failpoint}"]
    run_again(stage, prepared.until, env, log)
    return differences(prepared.after[stage], fingerprint(env, home, stage))


def run_again(stage: str, until: str, env: dict[str, str], log: Path) -> None:
    """The run after the kill, which must end well without anybody's help."""
    code = apart.run(stage, until, env, log)
    if code:
        raise AssertionError(f"{stage} ended with {code}:\n{log.read_text(encoding='utf-8')[-2000:]}")


def sweep(world: World, folder: Path, engine: str, *, is_in_rows: bool = False) -> int:
    """Every failpoint in turn, a line each; how many left a difference.

    `is_in_rows`: a stage is killed at all of its failpoints, one run after the other, and only then runs to its end.
    That takes half the time, and what the runs between would have mended stays broken for longer.
    """
    failed = 0
    with _server(folder, engine) as (url, copy), company(folder / engine, world, env=url) as place:
        place.loop()
        prepared = Prepared.make(place, folder, copy)
        for stage, listed in failpoints.OF_TURN.items():
            names = [name for name in listed if engine == "duckdb" or name not in failpoints.OF_FILES]
            for row in [names] if is_in_rows else [[name] for name in names]:
                wrong = die_and_run_again(prepared, stage, row)
                failed += bool(wrong)
                for name in row:
                    print(f"{engine:8} {name:24} {'equal' if not wrong else 'DIFFERENT'}", flush=True)
                for line in wrong[:_SHOWN]:
                    print(f"    {line}")
    return failed


@contextmanager
def _server(folder: Path, engine: str) -> Iterator[tuple[dict[str, str], Copy | None]]:
    """The environment that chooses both stores, and how to copy them; a Postgres of its own for `postgres`."""
    if engine == "duckdb":
        yield {}, None
        return
    from bench.databases import Databases

    with Databases.start(folder / "server") as databases:
        yield {"REBUTTAL_WAREHOUSE_URL": databases.new(), "REBUTTAL_STATE_URL": databases.new()}, databases.copy


def main(arguments: list[str] | None = None) -> int:
    """Print a line per failpoint and week; exit 1 when one left a difference."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=20, help="kills and halts of the storm; 0: none")
    parser.add_argument("--seed", type=int, default=11)
    parser.add_argument("--scale", type=float, default=0.1)
    parser.add_argument("--folder", type=Path, help="where the storm keeps its companies; left out: nowhere")
    parser.add_argument("--minutes", type=float, default=1e6, help="the storm stops after so many, between two hits")
    parser.add_argument("--rows", action="store_true", help="kill a stage everywhere before it may end: half the time")
    parser.add_argument("--engines", default="duckdb,postgres", help="of the sweep; empty: none")
    chosen = parser.parse_args(arguments)
    print(f"seed {chosen.seed}", flush=True)
    world, failed = World(chosen.seed, weeks=5, scale=chosen.scale), 0
    for engine in filter(None, chosen.engines.split(",")):
        with tempfile.TemporaryDirectory(prefix="rebuttal-sweep-") as place:
            failed += sweep(world, Path(place), engine, is_in_rows=chosen.rows)
    if chosen.kills:
        with tempfile.TemporaryDirectory(prefix="rebuttal-storm-") as place:
            failed += storm(world, chosen.folder or Path(place), chosen.kills, chosen.minutes)
    print(f"{failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
