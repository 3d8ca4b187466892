"""The gate taken apart, on a warehouse with one landed batch of visits, beside passes that were written by hand.

Every way is timed twice over: seconds on the wall, and seconds of CPU of this process (the steadier on a shared
machine; a database server's are not in it).
"""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from statistics import median
from typing import Any

from sqlalchemy import Connection, Engine, text

from bench.speed.timing import Figures, ratio
from bench.speed.visits import NOW, SQL
from rebuttal.context import Context

LATEST = NOW + timedelta(days=1)
# The parts of the gate: typing, the suite, what is kept out and why, checks of the batch, where each row ends, and its
# evidence. Writing core is the merge's.
GATE = ("stage", "check", "quarantine", "batch", "judge", "evidence")
CHECKS = ("stage", "check")


@dataclass
class Timed:
    """Seconds by name: on the wall, and of CPU. A name that is taken several times has its median."""

    wall: dict[str, list[float]] = field(default_factory=dict)
    cpu: dict[str, list[float]] = field(default_factory=dict)

    def take(self, name: str, way: Callable[[], Any]) -> Any:
        """What `way` gives."""
        wall, cpu = time.perf_counter(), time.process_time()
        found = way()
        self.wall.setdefault(name, []).append(time.perf_counter() - wall)
        self.cpu.setdefault(name, []).append(time.process_time() - cpu)
        return found

    def seconds(self, *names: str) -> float:
        """On the wall, together."""
        return sum(median(self.wall[name]) for name in names)

    def cpu_seconds(self, *names: str) -> float:
        """Of CPU, together."""
        return sum(median(self.cpu[name]) for name in names)


def take_apart(work: Context, engine: Engine, batch_id: str, hands: int = 3) -> Timed:
    """The hand's passes (`hands` turns), each part of the gate (one turn: a batch is admitted once), tags, and a bare
    count of the suite's own conditions. Nothing of it is kept.

    Raises AssertionError when the gate and the hand give different answers.
    """
    from rebuttal.quality.batch_checks import batch_checks
    from rebuttal.quality.gate import Gate, keep_failed_rows
    from rebuttal.quality.thresholds import Hold
    from rebuttal.quality.utm_audit import audit
    from rebuttal.quality.utm_registry import load_registry
    from rebuttal.warehouse import batches
    from rebuttal.warehouse.dialects import escaped
    from rebuttal.warehouse.merge import judge, keep_evidence
    from rebuttal.warehouse.staging import stage

    timed = Timed()
    gate, registry = Gate(work.settings, LATEST), load_registry(work.settings.config)
    is_duckdb = engine.dialect.name == "duckdb"
    for _ in range(hands):
        with engine.begin() as connection:
            counted = timed.take("hand", lambda: _count(connection, batch_id))
            if is_duckdb:
                connection.execute(text("create schema if not exists by_hand"))
                timed.take("answers", lambda: _run(connection, "visit_answers", batch_id))
    with engine.connect() as connection:
        (batch,) = batches.pending(connection)
    with engine.begin() as connection:
        staged = timed.take("stage", lambda: stage(connection, batch))
    checked = timed.take("check", lambda: gate.check(staged))
    if {check.name: check.failed_count for check, _ in checked} != counted or not any(counted.values()):
        raise AssertionError(f"the hand and the gate do not count the same: {counted}, {checked}")
    with engine.connect() as connection:
        failed, _ = timed.take("quarantine", lambda: keep_failed_rows(connection, staged, checked))
        timed.take("batch", lambda: batch_checks(connection, staged, 1, Hold()))
        names = timed.take("judge", lambda: judge(connection, staged, str(failed)))
        timed.take("evidence", lambda: keep_evidence(connection, staged, names))
        timed.take("tags", lambda: audit(connection, staged, registry))
        if is_duckdb:
            _same_answers(connection, names["judged"], checked)
        connection.rollback()
    conditions = ", ".join(f"count(case when {rule.condition} then 1 end)" for _, rule in checked)
    counting = text(escaped(f"select {conditions} from {staged.table}"))
    with engine.connect() as connection:
        for _ in range(hands):
            timed.take("count", lambda: connection.execute(counting).all())
    return timed


def ratios(taken: list[Timed], prefix: str) -> Figures:
    """The figures of several turns: seconds of each part, and what the gate costs beside the hand's passes."""
    names = list(taken[0].wall)

    def beside(hand: str, *parts: str, cpu: bool = False) -> float:
        told = Timed.cpu_seconds if cpu else Timed.seconds
        return ratio([told(one, *parts) for one in taken], [told(one, hand) for one in taken])

    figures = {f"{prefix}_{name}_seconds": median(one.seconds(name) for one in taken) for name in names}
    figures |= {f"{prefix}_checks_vs_sql": beside("hand", *CHECKS), f"{prefix}_gate_vs_sql": beside("hand", *GATE)}
    if "answers" in names:  # DuckDB: what works runs in this process, and its CPU time is known
        figures |= {
            f"{prefix}_gate_vs_answers": beside("answers", *GATE),
            f"{prefix}_checks_vs_sql_cpu": beside("hand", *CHECKS, cpu=True),
            f"{prefix}_gate_vs_sql_cpu": beside("hand", *GATE, cpu=True),
            f"{prefix}_gate_vs_answers_cpu": beside("answers", *GATE, cpu=True),
        }
    return figures


def _count(connection: Connection, batch_id: str) -> dict[str, int]:
    """The pass that counts only: check -> rows that break it."""
    file = "visit_checks" if connection.dialect.name == "duckdb" else "visit_checks_postgres"
    (row,) = _run(connection, file, batch_id).mappings().all()
    return {name: int(count) for name, count in row.items()}


def _run(connection: Connection, file: str, batch_id: str) -> Any:
    """The statements of a hand's file; the last one's result. The driver gets them as they stand."""
    latest = LATEST.replace(tzinfo=None).isoformat(sep=" ")
    filled = (SQL / f"{file}.sql").read_text(encoding="utf-8").replace("{batch_id}", batch_id)
    found = None
    for statement in filled.replace("{latest}", latest).split(";\n"):
        found = connection.exec_driver_sql(statement, execution_options={"no_parameters": True})
    return found


def _same_answers(connection: Connection, judged: str, checked: list[tuple[Any, Any]]) -> None:
    """Row by row: where it ended, every reason with what is shown of it, and the row as it landed."""
    differ = f"""
        select count(*) from {judged} as ours full join by_hand.verdict as hand on hand._row = ours._row
        where ours.outcome is distinct from hand.outcome"""
    if connection.execute(text(differ)).scalar_one():
        raise AssertionError("rows do not end where they end by hand")
    ours = connection.execute(text("select row_number, reasons, raw from ops.quarantine order by row_number")).all()
    hand = connection.execute(text("select row_number, reasons, raw from by_hand.kept_out order by row_number")).all()
    if not ours or [_told(row.reasons) for row in ours] != [_told(row.reasons) for row in hand]:
        raise AssertionError("rows are not kept out for the same reasons as by hand")
    if [(row.row_number, row.raw) for row in ours] != [(row.row_number, row.raw) for row in hand]:
        raise AssertionError("rows are not kept as they landed")
    counted: Counter[str] = Counter()
    for row in connection.execute(text("select outcome, rows from by_hand.counted")):
        counted[row.outcome] += int(row.rows)
    if sum(counted.values()) != checked[0][0].row_count:
        raise AssertionError(f"the hand's outcomes {counted} are not all rows")


def _told(reasons: str | list[Mapping[str, str]]) -> set[tuple[str, str | None]]:
    listed = json.loads(reasons) if isinstance(reasons, str) else reasons
    return {(reason["check_name"], reason["value"]) for reason in listed}
