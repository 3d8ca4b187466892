"""How far our numbers are from the hidden truth: `python -m bench.truth 101 102` (or `make truth SEEDS="101 102"`).

For each seed a world of its own, one turn of the loop, then the judges. Prints a table and writes build/truth.json:
measure -> mean over the seeds, and under "seeds" the measures of each. With `--gate` only `pull` and `admit` run and
only the gate is judged; `--faults bad_rows` switches on every kind of bad row, `--why` lists tags that are judged
otherwise than the truth allows.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections import Counter
from pathlib import Path

from sqlalchemy import create_engine

from bench.company import ROOT, Company, World, company
from bench.judges import Measures, judge, judge_gate
from bench.judges.measure import Truth, query_of, ratio
from bench.judges.tags import disagreements

PULLS = 3  # with wire faults, a pull may leave a source for the next one


def measure(world: World, *, gate_only: bool = False, why: bool = False) -> Measures:
    """One world, one turn (or its gate), all judges."""
    with tempfile.TemporaryDirectory(prefix="rebuttal-truth-") as folder, company(Path(folder), world) as place:
        if gate_only:
            pull_and_admit(place)
        else:
            place.loop()
        return measured(place, gate_only=gate_only, why=why)


def pull_and_admit(place: Company) -> None:
    """The first two stages; raises RuntimeError when a source cannot be pulled or nothing admitted."""
    for left in reversed(range(PULLS)):
        if not place.run("pull", "--until", place.world.until, check=left == 0).returncode:
            break
    place.run("admit", "--until", place.world.until)


def measured(place: Company, *, gate_only: bool, why: bool = False) -> Measures:
    """What the judges find in this company's warehouse."""
    truth = place.truth(counterfactuals=not gate_only)
    engine = create_engine(f"duckdb:///{place.home / 'warehouse.duckdb'}", connect_args={"read_only": True})
    with engine.connect() as connection:
        found = (judge_gate if gate_only else judge)(connection, truth)
        if why:
            _explain(truth, connection)
    engine.dispose()
    return found | _account(place)


def _account(place: Company) -> Measures:
    """The share of batches whose outcomes add up as `rebuttal account` tells them; 1 is what is promised."""
    told = json.loads(place.run("account", "--json", check=False).stdout)
    batches = [row for row in told["batches"] if row["status"] == "admitted"]
    outcomes = ("new", "changed", "unchanged", "deduplicated", "quarantined", "suppressed")
    whole = sum(row["landed"] == sum(row[name] for name in outcomes) for row in batches)
    return {"account_adds_up": ratio(whole, len(batches))}


def _explain(truth: Truth, connection: object) -> None:
    differ = disagreements(query_of(connection), truth)
    for (fault, may_be, said), count in Counter(one[:3] for one in differ).most_common():
        print(f"{count:>6}  {fault or 'no fault'}: may be {may_be}, we say {said}")
        _, _, _, row, ours = next(one for one in differ if one[:3] == (fault, may_be, said))
        arrived = {name.removeprefix("utm_"): value for name, value in row["arrived"].items()}
        print(f"        {arrived} meant {list(row['tags'].values())} slip {row['slip']}")
        print(f"        click id {row['click_id_arrived']}, from {row['referrer']!r}: {ours[2]}")


def main(arguments: list[str] | None = None) -> int:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("seeds", nargs="*", type=int, default=[101, 102, 103])
    parser.add_argument("--weeks", type=int, default=12)
    parser.add_argument("--scale", type=float, default=1.0)
    parser.add_argument("--gate", action="store_true", help="pull and admit only, and judge only the gate")
    parser.add_argument("--faults", default="none", help="fault profile of the sandbox: none, bad_rows, mild, hostile")
    parser.add_argument("--why", action="store_true", help="list tags that are judged otherwise than the truth allows")
    parser.add_argument("--out", type=Path, default=ROOT / "build" / "truth.json")
    chosen = parser.parse_args(arguments)
    seeds = chosen.seeds or [101, 102, 103]
    found = {}
    for seed in seeds:
        print(f"seed {seed} ...", flush=True)
        world = World(seed, weeks=chosen.weeks, scale=chosen.scale, faults=chosen.faults)
        found[str(seed)] = measure(world, gate_only=chosen.gate, why=chosen.why)
    names = sorted({name for measures in found.values() for name in measures})
    means = {}
    print(f"{'measure':<54}{'mean':>9}" + "".join(f"{seed:>9}" for seed in seeds))
    for name in names:
        values = [measures.get(name) for measures in found.values()]
        known = [value for value in values if value is not None]
        means[name] = sum(known) / len(known) if known else None
        print(f"{name:<54}" + "".join(f"{'-' if v is None else format(v, '.3f'):>9}" for v in (means[name], *values)))
    chosen.out.parent.mkdir(exist_ok=True, parents=True)
    chosen.out.write_text(json.dumps({**means, "seeds": found}, indent=2), encoding="utf-8")
    print(f"written to {chosen.out}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
