"""ADMIT's gate beside one hand-written SQL pass that counts the same row checks over the same landed visits.

Both begin at landed text. Importing Great Expectations is left out of the ratios and shown: a worker pays it once.
"""

from __future__ import annotations

import resource
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from statistics import median
from typing import Any

from sqlalchemy import Engine, text

from bench.speed.timing import Figures, in_turn, ratio, seconds
from bench.speed.visits import NOW, SQL, context, land_visits

LATEST = NOW + timedelta(days=1)
# The parts of the gate: typing, the suite, what is kept out and why, checks of the batch, where each row ends, and its
# evidence. Writing core is the merge's.
GATE = ("stage", "check", "quarantine", "batch", "judge", "evidence")


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
        return sum(parts[-1][name] for name in GATE)

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
    hand = [part["hand"] for part in parts]
    return {
        "validate_start_seconds": start,
        "validate_peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        **{f"validate_{name}_seconds": median(part[name] for part in parts) for name in ("hand", *GATE, "tags")},
        "validate_checks_vs_sql": ratio([part["stage"] + part["check"] for part in parts], hand),
        "validate_gate_vs_sql": ratio(took["gate"], hand),
        "validate_tags_vs_sql": ratio([part["tags"] for part in parts], hand),
        "validate_admit_vs_sql": ratio(took["admit"], hand),
        "validate_suite_vs_counting": ratio([part["check"] for part in parts], [part["count"] for part in parts]),
    }


def _parts(home: Path, size: int) -> Figures:
    """Seconds of the hand's pass, of each part of the gate, and of a bare count of the suite's own conditions."""
    from rebuttal.quality.batch_checks import batch_checks
    from rebuttal.quality.gate import Gate, keep_failed_rows
    from rebuttal.quality.thresholds import Hold
    from rebuttal.quality.utm_audit import audit
    from rebuttal.quality.utm_registry import load_registry
    from rebuttal.warehouse import batches, open_warehouse
    from rebuttal.warehouse.merge import judge, keep_evidence
    from rebuttal.warehouse.staging import stage

    work, found = context(home), Figures()
    gate, registry = Gate(work.settings, LATEST), load_registry(work.settings.config)
    with open_warehouse(work.settings) as engine:
        batch_id = land_visits(engine, 1, 1, size)
        by_hand: dict[str, int] = {}
        found["hand"] = median(seconds(lambda: by_hand.update(_hand(engine, batch_id))) for _ in range(3))
        with engine.connect() as connection:
            (batch,) = batches.pending(connection)

        def timed(name: str, way: Callable[[], Any]) -> Any:
            kept: list[Any] = []
            found[name] = seconds(lambda: kept.append(way()))
            return kept[0]

        with engine.begin() as connection:
            staged = timed("stage", lambda: stage(connection, batch))
        checked = timed("check", lambda: gate.check(staged))
        counted = {check.name: check.failed_count for check, _ in checked}
        wrong = {name: count for name, count in by_hand.items() if counted.get(name) != count}
        if wrong or not any(by_hand.values()):
            raise AssertionError(f"the hand's pass and the gate do not count the same: {wrong}, {counted}")
        with engine.begin() as connection:
            failed, _ = timed("quarantine", lambda: keep_failed_rows(connection, staged, checked))
            timed("batch", lambda: batch_checks(connection, staged, 1, Hold()))
            names = timed("judge", lambda: judge(connection, staged, str(failed)))
            timed("evidence", lambda: keep_evidence(connection, staged, names))
            timed("tags", lambda: audit(connection, staged, registry))
        conditions = ", ".join(f"count(case when {rule.condition} then 1 end)" for _, rule in checked)
        counting = text(f"select {conditions} from {staged.table}")
        with engine.connect() as connection:
            found["count"] = median(seconds(lambda: connection.execute(counting).all()) for _ in range(3))
    return found


def _hand(engine: Engine, batch_id: str) -> dict[str, int]:
    statement = (SQL / "visit_checks.sql").read_text(encoding="utf-8")
    latest = LATEST.replace(tzinfo=None).isoformat(sep=" ")
    with engine.connect() as connection:
        # The driver gets it as it stands: its colons are no parameters.
        filled = statement.replace("{batch_id}", batch_id).replace("{latest}", latest)
        (row,) = connection.exec_driver_sql(filled).mappings().all()
    return {name: int(count) for name, count in row.items()}
