"""ADMIT's gate beside one hand-written SQL pass that counts the same row checks over the same landed visits.

Both begin at landed text. Importing Great Expectations is left out of the ratios and shown: a worker pays it once.
"""

from __future__ import annotations

import time
from datetime import timedelta
from pathlib import Path
from statistics import median

from sqlalchemy import Engine, text

from bench.speed.timing import Figures, in_turn, ratio, seconds
from bench.speed.visits import NOW, SQL, context, land_visits

LATEST = NOW + timedelta(days=1)


def measure(size: int, rounds: int, folder: Path) -> Figures:
    """`size` visits; every turn on a warehouse of its own, so that each gate sees a batch for the first time."""
    begun = time.perf_counter()
    from rebuttal import quality
    from rebuttal.warehouse import open_warehouse

    warm = context(folder / "warm")
    with open_warehouse(warm.settings) as engine:
        land_visits(engine, 1, 1, 1000)
    quality.run(warm)
    start = time.perf_counter() - begun

    parts: list[Figures] = []

    def in_parts() -> float:
        parts.append(_parts(folder / f"parts-{len(parts)}", size))
        return parts[-1]["stage"] + parts[-1]["check"]

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

    took = in_turn(rounds, {"checks": in_parts, "gate": whole})
    hand = [part["hand"] for part in parts]
    return {
        "validate_start_seconds": start,
        **{f"validate_{name}_seconds": median(part[name] for part in parts) for name in ("hand", "stage", "check")},
        "validate_gate_seconds": median(took["gate"]),
        "validate_checks_vs_sql": ratio(took["checks"], hand),
        "validate_gate_vs_sql": ratio(took["gate"], hand),
        "validate_suite_vs_counting": ratio([part["check"] for part in parts], [part["count"] for part in parts]),
    }


def _parts(home: Path, size: int) -> Figures:
    """Seconds of the hand's pass, of typing, of the suite, and of a bare count of the suite's own conditions."""
    from rebuttal.quality.gate import Gate
    from rebuttal.warehouse import batches, open_warehouse
    from rebuttal.warehouse.staging import stage

    work = context(home)
    with open_warehouse(work.settings) as engine:
        batch_id = land_visits(engine, 1, 1, size)
        by_hand: dict[str, int] = {}
        hand = median(seconds(lambda: by_hand.update(_hand(engine, batch_id))) for _ in range(3))
        with engine.connect() as connection:
            (batch,) = batches.pending(connection)
        begun = time.perf_counter()
        with engine.begin() as connection:
            staged = stage(connection, batch)
        staging = time.perf_counter() - begun
        begun = time.perf_counter()
        found = Gate(work.settings, LATEST).check(staged)
        checking = time.perf_counter() - begun
        counted = {check.name: check.failed_count for check, _ in found}
        wrong = {name: count for name, count in by_hand.items() if counted.get(name) != count}
        if wrong or not any(by_hand.values()):
            raise AssertionError(f"the hand's pass and the gate do not count the same: {wrong}, {counted}")
        conditions = ", ".join(f"count(case when {rule.condition} then 1 end)" for _, rule in found)
        counting = text(f"select {conditions} from {staged.table}")
        with engine.connect() as connection:
            count = median(seconds(lambda: connection.execute(counting).all()) for _ in range(3))
    return {"hand": hand, "stage": staging, "check": checking, "count": count}


def _hand(engine: Engine, batch_id: str) -> dict[str, int]:
    statement = (SQL / "visit_checks.sql").read_text(encoding="utf-8")
    latest = LATEST.replace(tzinfo=None).isoformat(sep=" ")
    with engine.connect() as connection:
        # The driver gets it as it stands: its colons are no parameters.
        filled = statement.replace("{batch_id}", batch_id).replace("{latest}", latest)
        (row,) = connection.exec_driver_sql(filled).mappings().all()
    return {name: int(count) for name, count in row.items()}
