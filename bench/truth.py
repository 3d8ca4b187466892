"""How far our numbers are from the hidden truth: `python -m bench.truth 101 102` (or `make truth SEEDS="101 102"`).

For each seed a world of its own, one turn of the loop, then the judges. Prints a table and writes build/truth.json:
measure -> mean over the seeds, and under "seeds" the measures of each.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from pathlib import Path

from sqlalchemy import create_engine

from bench.company import ROOT, World, company
from bench.judge import Measures, judge


def measure(seed: int, weeks: int, scale: float) -> Measures:
    """One world, one turn, all judges."""
    with (
        tempfile.TemporaryDirectory(prefix="rebuttal-truth-") as folder,
        company(Path(folder), World(seed, weeks=weeks, scale=scale)) as place,
    ):
        place.loop()
        engine = create_engine(f"duckdb:///{place.home / 'warehouse.duckdb'}", connect_args={"read_only": True})
        with engine.connect() as connection:
            found = judge(connection, place.truth(counterfactuals=True))
        engine.dispose()
    return found


def main(arguments: list[str] | None = None) -> int:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("seeds", nargs="*", type=int, default=[101, 102, 103])
    parser.add_argument("--weeks", type=int, default=12)
    parser.add_argument("--scale", type=float, default=1.0)
    chosen = parser.parse_args(arguments)
    seeds = chosen.seeds or [101, 102, 103]
    found = {}
    for seed in seeds:
        print(f"seed {seed} ...", flush=True)
        found[str(seed)] = measure(seed, chosen.weeks, chosen.scale)
    names = sorted({name for measures in found.values() for name in measures})
    means = {}
    print(f"{'measure':<52}{'mean':>9}" + "".join(f"{seed:>9}" for seed in seeds))
    for name in names:
        values = [measures.get(name) for measures in found.values()]
        known = [value for value in values if value is not None]
        means[name] = sum(known) / len(known) if known else None
        print(f"{name:<52}" + "".join(f"{'-' if v is None else format(v, '.3f'):>9}" for v in (means[name], *values)))
    target = ROOT / "build" / "truth.json"
    target.parent.mkdir(exist_ok=True)
    target.write_text(json.dumps({**means, "seeds": found}, indent=2), encoding="utf-8")
    print(f"written to {target}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
