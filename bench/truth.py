"""How far our numbers are from the hidden truth: `python -m bench.truth 101 102` (or `make truth SEEDS="101 102"`).

For each seed a world of its own, one turn of the loop, then the judges. Prints a table and writes build/truth.json:
measure -> mean over the seeds, and under "seeds" the measures of each. With `--gate` only `pull` and `admit` run and
only the gate is judged, with `--model` only `pull`, `admit` and `model` and only the model; `--faults bad_rows`
switches on every kind of bad row, `--why` lists tags and journeys that are judged otherwise than the truth allows.

`--consent 0 20 40` serves each world once for each share (in percent) of people who refuse to be counted, on top of
those who do so anyway: the same people, who do the same. Measures of the others than the first share have the suffix
`_consent_20`, and a second table shows the shares beside each other.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from sqlalchemy import create_engine

from bench.company import ROOT, Company, World, company
from bench.judges import Measures, judge, judge_gate, judge_model
from bench.judges.journeys import compared
from bench.judges.ltv import days_to_run, ltv
from bench.judges.measure import Truth, query_of, ratio
from bench.judges.tags import disagreements

JUDGES = {"loop": judge, "gate": judge_gate, "model": judge_model}
PULLS = 3  # with wire faults, a pull may leave a source for the next one


def measure(world: World, *, part: str = "loop", why: bool = False) -> Measures:
    """One world, one turn (or only its `gate`, or up to its `model`), all judges of that part."""
    with tempfile.TemporaryDirectory(prefix="rebuttal-truth-") as folder, company(Path(folder), world) as place:
        if part == "loop":
            place.loop()
        else:
            pull_and_admit(place)
        if part == "model":
            place.run("model", "--until", world.until)
        return measured(place, part=part, why=why)


def pull_and_admit(place: Company) -> None:
    """The first two stages; raises RuntimeError when a source cannot be pulled or nothing admitted."""
    for left in reversed(range(PULLS)):
        if not place.run("pull", "--until", place.world.until, check=left == 0).returncode:
            break
    place.run("admit", "--until", place.world.until)


def measured(place: Company, *, part: str, why: bool = False) -> Measures:
    """What the judges find in this company's warehouse. The world moves on, where predictions have to be judged."""
    truth = place.truth(counterfactuals=part != "gate")
    engine = create_engine(f"duckdb:///{place.home / 'warehouse.duckdb'}", connect_args={"read_only": True})
    with engine.connect() as connection:
        found = JUDGES[part](connection, truth)
        if why:
            _explain(truth, connection)
            if part != "gate":
                _explain_journeys(truth, connection)
        days = days_to_run(query_of(connection), truth) if part != "gate" else 0
        if days:
            place.advance(days)
            found |= ltv(query_of(connection), truth, place.truth())
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


def _explain_journeys(truth: Truth, connection: object) -> None:
    differ = [one for one in compared(query_of(connection), truth) if one[2]]
    for reason, count in Counter(one[2] for one in differ).most_common():
        row, ours, _ = next(one for one in differ if one[2] == reason)
        print(f"{count:>6}  journeys differ by {reason}; person {row['person']}")
        print(f"        true {[(one['at'][:19], one['channel']) for one in row['journey']]}")
        print(f"        ours {[(one.at.isoformat()[:19], one.channel, one.kind) for one in ours]}")


def main(arguments: list[str] | None = None) -> int:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("seeds", nargs="*", type=int, default=[101, 102, 103])
    parser.add_argument("--weeks", type=int, default=12)
    parser.add_argument("--scale", type=float, default=1.0)
    parts = parser.add_mutually_exclusive_group()
    for name, text in (
        ("gate", "pull and admit only, and judge only the gate"),
        ("model", "pull, admit and model only, and judge only the model"),
    ):
        parts.add_argument(f"--{name}", dest="part", action="store_const", const=name, default="loop", help=text)
    parser.add_argument("--consent", nargs="+", type=int, default=[0], help="percent of people who refuse, on top")
    parser.add_argument("--faults", default="none", help="fault profile of the sandbox: none, bad_rows, mild, hostile")
    parser.add_argument("--why", action="store_true", help="list tags that are judged otherwise than the truth allows")
    parser.add_argument("--out", type=Path, default=ROOT / "build" / "truth.json")
    chosen = parser.parse_args(arguments)
    seeds = chosen.seeds or [101, 102, 103]
    found: dict[str, Measures] = {}
    for seed in seeds:
        found[str(seed)] = {}
        for share in chosen.consent:
            print(f"seed {seed}, consent lost {share} % ...", end="", flush=True)
            began = time.monotonic()
            world = World(seed, chosen.weeks, scale=chosen.scale, faults=chosen.faults, consent_loss=share / 100)
            suffix = "" if share == chosen.consent[0] else f"_consent_{share}"
            measures = measure(world, part=chosen.part, why=chosen.why)
            found[str(seed)] |= {f"{name}{suffix}": value for name, value in measures.items()}
            print(f" {time.monotonic() - began:.0f} s", flush=True)
        _write(chosen.out, found)
    means = _means(found)
    print(f"{'measure':<62}{'mean':>9}" + "".join(f"{seed:>9}" for seed in seeds))
    for name in sorted(means):
        values = (means[name], *(measures.get(name) for measures in found.values()))
        print(f"{name:<62}" + "".join(map(_cell, values)))
    if len(chosen.consent) > 1:
        _print_shares(means, chosen.consent)
    print(f"written to {chosen.out}")
    return 0


def _write(out: Path, found: dict[str, Measures]) -> None:
    """After each seed, so that a long run that is stopped has not been for nothing."""
    out.parent.mkdir(exist_ok=True, parents=True)
    out.write_text(json.dumps({**_means(found), "seeds": found}, indent=2), encoding="utf-8")


def _means(found: dict[str, Measures]) -> Measures:
    means: Measures = {}
    for name in {name for measures in found.values() for name in measures}:
        known = [value for measures in found.values() if (value := measures.get(name)) is not None]
        means[name] = sum(known) / len(known) if known else None
    return means


def _cell(value: float | None) -> str:
    return f"{'-' if value is None else format(value, '.3f'):>9}"


def _print_shares(means: Measures, shares: list[int]) -> None:
    """The means at each share of lost consent, beside each other, of what consent has to do with."""
    print(f"\n{'mean at consent lost':<62}" + "".join(f"{share:>7} %" for share in shares))
    for name in sorted(name for name in means if name.startswith(("attribution", "identity", "journeys", "ltv"))):
        if "_consent_" not in name:
            values = (means.get(name if share == shares[0] else f"{name}_consent_{share}") for share in shares)
            print(f"{name:<62}" + "".join(map(_cell, values)))


if __name__ == "__main__":
    sys.exit(main())
