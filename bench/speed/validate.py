"""ADMIT's gate beside hand-written SQL over the same landed visits: one pass that counts the same row checks, and one
that gives all the gate's answers (which rows fail and why, where each row ends, counts), in tables too.

All begin at landed text. Importing Great Expectations is left out of the ratios and shown: a worker pays it once.
"""

from __future__ import annotations

import multiprocessing
import resource
import shutil
import time
from collections.abc import Callable
from pathlib import Path

from sqlalchemy import text

from bench.speed.gate import GATE, Timed, ratios, take_apart
from bench.speed.timing import Figures, in_turn, ratio, seconds
from bench.speed.visits import context, land_visits
from rebuttal.sources.pull import BATCH_ROWS


def measure(size: int, rounds: int, folder: Path) -> Figures:
    """`size` visits; every turn on a warehouse of its own, so that each gate sees a batch for the first time."""
    from rebuttal import quality
    from rebuttal.warehouse import open_warehouse

    start = warm(folder / "warm")
    taken: list[Timed] = []

    def in_parts() -> float:
        taken.append(apart(folder / f"parts-{len(taken)}", size))
        return taken[-1].seconds(*GATE)

    def whole() -> float:
        work = context(folder / f"whole-{time.monotonic_ns()}")
        with open_warehouse(work.settings) as engine:
            land_visits(engine, 1, 1, size)
        took = seconds(lambda: quality.run(work))
        with open_warehouse(work.settings) as engine, engine.connect() as connection:
            merged, kept_out = connection.execute(text("select new, quarantined from ops.batch_outcome")).one()
        if merged + kept_out != size or not kept_out:
            raise AssertionError(f"{merged} rows merged and {kept_out} quarantined of {size}")
        return took

    took = in_turn(rounds, {"gate": in_parts, "admit": whole})
    hand = [one.seconds("hand") for one in taken]
    return {
        "validate_start_seconds": start,
        "validate_peak_mb": peak_mb(),
        **ratios(taken, "validate"),
        "validate_tags_vs_sql": ratio([one.seconds("tags") for one in taken], hand),
        "validate_admit_vs_sql": ratio(took["admit"], hand),
        "validate_suite_vs_counting": ratio(
            [one.seconds("check") for one in taken], [one.seconds("count") for one in taken]
        ),
    }


def large(size: int, rounds: int, folder: Path) -> Figures:
    """The gate by itself, and once the whole admission; each in a process of its own, for its peak of memory."""
    warm(folder / "warm")
    taken = []
    for number in range(rounds):
        home = folder / str(number)
        _apart_from_us(_land, home, size)
        taken.append(apart(home, hands=1))
        shutil.rmtree(home)
    return {
        "validate_large_peak_mb": peak_mb(),
        "validate_large_admit_peak_mb": admit_peak(folder, size),
        **ratios(taken, "validate_large"),
    }


def admit_peak(folder: Path, size: int) -> float:
    """Megabytes that the whole admission of `size` visits holds at most, in batches as large as a pull lands them."""
    home, told = folder / "whole", folder / "peak"
    _apart_from_us(_land, home, size, BATCH_ROWS)
    _apart_from_us(_admit, home, told)
    shutil.rmtree(home)
    return float(told.read_text(encoding="utf-8"))


def warm(home: Path) -> float:
    """Import what a worker imports once, and run it: seconds."""
    begun = time.perf_counter()
    from rebuttal import quality
    from rebuttal.warehouse import open_warehouse

    work = context(home)
    with open_warehouse(work.settings) as engine:
        land_visits(engine, 1, 1, 1000)
    quality.run(work)
    return time.perf_counter() - begun


def apart(home: Path, size: int = 0, url: str | None = None, hands: int = 3) -> Timed:
    """Land `size` visits (0: they are there already) and take the gate apart."""
    from rebuttal.warehouse import batches, open_warehouse

    work = context(home, url)
    with open_warehouse(work.settings) as engine:
        if size:
            land_visits(engine, 1, 1, size)
        with engine.connect() as connection:
            (batch,) = batches.pending(connection)
        return take_apart(work, engine, batch.batch_id, hands)


def peak_mb() -> float:
    """Of this process so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def _apart_from_us(work: Callable[..., None], *arguments: object) -> None:
    process = multiprocessing.get_context("spawn").Process(target=work, args=arguments)
    process.start()
    process.join()
    if process.exitcode:
        raise RuntimeError(f"{work.__name__} of {arguments} ended with {process.exitcode}")


def _admit(home: Path, told: Path) -> None:
    from rebuttal import quality

    counts = quality.run(context(home)).counts
    if not counts["new"] or not counts["quarantined"]:
        raise AssertionError(f"nothing was admitted, or nothing kept out: {counts}")
    told.write_text(str(peak_mb()), encoding="utf-8")


def _land(home: Path, size: int, most: int = 0) -> None:
    from rebuttal.warehouse import open_warehouse

    most = most or size
    with open_warehouse(context(home).settings) as engine:
        for number, first in enumerate(range(0, size, most), 1):
            land_visits(engine, number, first + 1, min(most, size - first))
