"""The admission of landed batches: stage, check, then hold or merge, each batch in one transaction of its own."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import Connection, Engine, insert, select, text, update

from rebuttal.context import Context
from rebuttal.errors import AccountingError, LockedError, StoreError
from rebuttal.quality import audits, utm_aliases
from rebuttal.quality.batch_checks import FINAL, batch_checks
from rebuttal.quality.checks import Check, record
from rebuttal.quality.gate import Gate, keep_failed_rows
from rebuttal.quality.thresholds import Thresholds, load_thresholds
from rebuttal.quality.utm_audit import audit
from rebuttal.quality.utm_history import renormalise
from rebuttal.quality.utm_registry import Registry
from rebuttal.records import Report
from rebuttal.state.failpoint import failpoint
from rebuttal.warehouse import batches, open_warehouse, sql
from rebuttal.warehouse.batches import Batch
from rebuttal.warehouse.merge import merge
from rebuttal.warehouse.publish import publish_quality
from rebuttal.warehouse.staging import Staged, stage
from rebuttal.warehouse.tables import batch_outcome

RELEASED = "hold released by "
_LOCK_SECONDS = 60


@dataclass(frozen=True)
class Admission:
    """What one run works with."""

    engine: Engine
    gate: Gate
    thresholds: Thresholds
    registry: Registry


def run(context: Context) -> Report:
    """Admit every landed batch in the order of landing. Nothing landed: nothing is written.

    Each batch ends in one transaction as admitted (merged, with all rows accounted for) or held (nothing merged); the
    others go on. Raises LockedError when another admission is running, ConfigError when `utm.yml` or `quality.yml` is
    wrong, and, after all other batches, the AccountingError of a batch whose rows did not add up.
    """
    report = Report("admit")
    with admission(context) as work:
        failed: AccountingError | None = None
        with work.engine.connect() as connection:
            waiting = batches.pending(connection)
        _follow_rules(report, work, is_needed=bool(waiting))
        for batch in waiting:
            try:
                _tell(report, batch, *admit(work, batch))
            except AccountingError as error:
                failed = failed or error
                report.problems.append(str(error))
            except StoreError as error:
                report.problems.append(str(error))
        audits.run(context, work.engine, report)
        if failed:
            raise failed
    return report


def _follow_rules(report: Report, work: Admission, *, is_needed: bool) -> None:
    """History is judged by the same tag rules as what is new. An empty warehouse stays empty."""
    with work.engine.begin() as connection:
        _limit_waiting(connection)
        if not is_needed and connection.execute(text("select 1 from core.visit limit 1")).first() is None:
            return
        if judged := renormalise(connection, work.registry):
            report.add("visits_judged_again", judged)
            report.changed = True


@contextmanager
def admission(context: Context) -> Iterator[Admission]:
    """Everything that admitting needs; on leaving, what the gate found is published, the warehouse is free again and no
    scratch table is left.
    """
    thresholds, registry = load_thresholds(context.settings.config), utm_aliases.registry(context.settings)
    latest = context.clock.now() + timedelta(days=1)
    with open_warehouse(context.settings) as engine, _alone(engine):
        _sweep(engine)
        try:
            yield Admission(engine, Gate(context.settings, latest), thresholds, registry)
        finally:
            _sweep(engine)
            publish_quality(context.settings, engine)


def admit(work: Admission, batch: Batch, rows: str = "") -> tuple[list[Check], dict[str, int] | None]:
    """Admit one batch, or of it the landed rows that `rows` (SQL over `landed`) leaves. Checks, and outcomes if
    merged.
    """
    staged = _stage(work, batch, rows)
    failpoint("admit.after_stage")
    found = work.gate.check(staged)
    with work.engine.begin() as connection:
        failed, checks = keep_failed_rows(connection, staged, found)
    failpoint("admit.after_check")
    with work.engine.begin() as connection:
        _limit_waiting(connection)
        outcome: dict[str, int] | None
        if rows:
            outcome = merge(connection, staged, str(failed))
            _add_outcome(connection, staged, outcome)
        else:
            bad = connection.execute(text(f"select count(distinct _row) from {failed}")).scalar_one()
            checks += batch_checks(connection, staged, int(bad), work.thresholds.hold)
            outcome = _decide(connection, staged, checks, str(failed))
        sql.drop(connection, *sql.scratch_tables(connection))
        failpoint("admit.before_commit")
    failpoint("admit.after_commit")
    return checks, outcome


def holds(batch: Batch, checks: list[Check]) -> list[Check]:
    """The broken checks that keep the batch out. A named person's release waves all but the final ones through."""
    broken = [check for check in checks if check.severity == "hold" and not check.is_passed]
    if (batch.status_reason or "").startswith(RELEASED):
        broken = [check for check in broken if check.name in FINAL]
    return broken


def _stage(work: Admission, batch: Batch, rows: str) -> Staged:
    with work.engine.begin() as connection:
        staged = stage(connection, batch, rows)
        if batch.entity == "visit":
            staged = audit(connection, staged, work.registry)
    return staged


def _decide(connection: Connection, staged: Staged, checks: list[Check], failed: str) -> dict[str, int] | None:
    batch, broken = staged.batch, holds(staged.batch, checks)
    record(connection, batch, checks)
    if broken:
        reason = "; ".join(check.told() for check in broken)
        _move(connection, batch, batches.HELD, reason)
        return None
    outcome = merge(connection, staged, failed)
    connection.execute(insert(batch_outcome).values(batch_id=batch.batch_id, landed=batch.row_count, **outcome))
    if sum(outcome.values()) != batch.row_count:
        raise AccountingError(
            f"Batch {batch.name} landed {batch.row_count} rows, but its outcomes are {outcome}",
            next_step="Nothing of it was merged. Report this with the batch id",
        )
    _move(connection, batch, batches.ADMITTED, batch.status_reason)
    return outcome


def _move(connection: Connection, batch: Batch, status: str, reason: str | None) -> None:
    if not batches.set_status(connection, batch, status, reason):
        raise LockedError(
            f"Batch {batch.name} was admitted or held by another process meanwhile; this one wrote nothing",
            next_step="Nothing to do",
        )


def _add_outcome(connection: Connection, staged: Staged, outcome: dict[str, int]) -> None:
    """Rows that left quarantine end somewhere else now: the batch's outcome still adds up to what it landed."""
    still = outcome["quarantined"]
    gained = {name: rows for name, rows in outcome.items() if name != "quarantined"}
    current = (
        connection.execute(select(batch_outcome).where(batch_outcome.c.batch_id == staged.batch.batch_id))
        .mappings()
        .one()
    )
    values = {name: int(current[name]) + rows for name, rows in gained.items()}
    values["quarantined"] = int(current["quarantined"]) - (staged.row_count - still)
    connection.execute(update(batch_outcome).where(batch_outcome.c.batch_id == staged.batch.batch_id).values(**values))


def _tell(report: Report, batch: Batch, checks: list[Check], outcome: dict[str, int] | None) -> None:
    report.changed = True
    told = {"source": batch.source, "stream": batch.stream, "batch_id": batch.batch_id, "landed": batch.row_count}
    warnings = [check.told() for check in checks if check.severity == "warning" and not check.is_passed]
    if outcome is None:
        report.add("batches_held")
        report.add("held", batch.row_count)
        report.details.append({**told, "status": batches.HELD, "warnings": warnings})
        for check in holds(batch, checks):
            report.problems.append(f"Held {batch.name}: {check.told()}. {check.next_step}")
        return
    report.add("batches_admitted")
    for name, rows in {"landed": batch.row_count, **outcome}.items():
        report.add(name, rows)
    report.details.append({**told, "status": batches.ADMITTED, **outcome, "warnings": warnings})


@contextmanager
def _alone(engine: Engine) -> Iterator[None]:
    """One admission at a time. DuckDB's file lock sees to it; a server is asked for a lock that dies with us."""
    if engine.dialect.name != "postgresql":
        yield
        return
    with engine.connect() as connection:
        held = connection.execute(text("select pg_try_advisory_lock(hashtextextended('rebuttal.admit', 0))")).scalar()
        connection.commit()
        if not held:
            raise LockedError(
                "Another admission is running on this warehouse", next_step="Wait for it to end, then run this again"
            )
        try:
            yield
        finally:
            connection.execute(text("select pg_advisory_unlock(hashtextextended('rebuttal.admit', 0))"))
            connection.commit()


def _limit_waiting(connection: Connection) -> None:
    if connection.dialect.name == "postgresql":
        connection.execute(text(f"set local lock_timeout = '{_LOCK_SECONDS}s'"))


def _sweep(engine: Engine) -> None:
    with engine.begin() as connection:
        sql.drop(connection, *sql.scratch_tables(connection))
