"""The admission of landed batches: stage, check, then hold or merge, each batch in one transaction of its own."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import Connection, Engine, insert, select, text, update

from rebuttal.context import Context
from rebuttal.errors import AccountingError, LeaseLostError, LockedError
from rebuttal.quality import utm_aliases
from rebuttal.quality.batch_checks import FINAL, batch_checks
from rebuttal.quality.checks import Check, found_in_landing, record
from rebuttal.quality.gate import Gate, keep_failed_rows
from rebuttal.quality.retention import bound
from rebuttal.quality.thresholds import Thresholds, load_thresholds
from rebuttal.quality.utm_audit import audit
from rebuttal.quality.utm_registry import Registry
from rebuttal.state import alone
from rebuttal.state.failpoint import failpoint
from rebuttal.warehouse import batches, bounded, open_warehouse, sql
from rebuttal.warehouse.batches import Batch
from rebuttal.warehouse.merge import merge
from rebuttal.warehouse.publish import publish_quality
from rebuttal.warehouse.staging import Staged, stage
from rebuttal.warehouse.tables import batch_outcome

RELEASED = "hold released by "  # begins the status_reason of a batch that a person let through
HEALED = "its checks pass by now "  # of a batch that the hold let go by itself
_LOCK_SECONDS = 60


@dataclass(frozen=True)
class Admission:
    """What one run works with."""

    engine: Engine
    gate: Gate
    thresholds: Thresholds
    registry: Registry


@dataclass(frozen=True)
class Looked:
    """A staged batch, the scratch table of its rows that break a rule, and what the row checks found."""

    staged: Staged
    failed: str
    checks: list[Check]

    @property
    def scratch(self) -> tuple[str, ...]:
        """Its scratch views and tables, for whoever is done with it."""
        return (*self.staged.tables, self.failed)


@contextmanager
def admission(context: Context, *, publishing: bool = True) -> Iterator[Admission]:
    """Everything that admitting needs, under the lease `admit`; on leaving, what the gate found is published (unless
    the caller does it), the warehouse is free again and no scratch table is left.
    """
    thresholds, registry = load_thresholds(context.settings.config), utm_aliases.registry(context.settings)
    latest = context.clock.now() + timedelta(days=1)
    settings = context.settings
    with alone(settings, "admit"), open_warehouse(settings) as engine, _alone(engine):
        bounded.bound(engine)
        _sweep(engine)
        is_shut_out = False
        try:
            yield Admission(engine, Gate(settings, latest), thresholds, registry)
        except (LockedError, LeaseLostError):
            is_shut_out = True
            raise
        finally:
            if not is_shut_out:  # it would wait for the same lock, or be refused again; the next one sweeps
                _sweep(engine)
                if publishing:
                    publish_quality(settings, engine)


def admit(work: Admission, batch: Batch, rows: str = "") -> tuple[list[Check], dict[str, int] | None]:
    """Admit one batch, or of it the landed rows that `rows` (SQL over `landed`) leaves. Checks, and outcomes if
    merged.
    """
    looked = look(work, batch, rows)
    outcome: dict[str, int] | None
    with work.engine.begin() as connection:
        limit_waiting(connection)
        if rows:
            checks, outcome = looked.checks, _release(connection, looked)
        else:
            checks, outcome = settle(connection, work, looked)
        sql.drop(connection, *looked.scratch)
        failpoint("admit.before_commit")
    failpoint("admit.after_commit")
    return checks, outcome


def look(work: Admission, batch: Batch, rows: str = "") -> Looked:
    """Stage a batch and run its suite. Only scratch tables are written; they stay until they are dropped."""
    staged = _stage(work, batch, rows)
    failpoint("admit.after_stage")
    found = work.gate.check(staged)
    with work.engine.begin() as connection:
        failed, checks = keep_failed_rows(connection, staged, found)
    failpoint("admit.after_check")
    return Looked(staged, str(failed), checks)


def settle(connection: Connection, work: Admission, looked: Looked) -> tuple[list[Check], dict[str, int] | None]:
    """Hold or merge a batch that was looked at. Outcomes are None where it is held.

    A batch that is held already and would be held again is left untouched.
    """
    bad = connection.execute(text(f"select count(distinct _row) from {looked.failed}")).scalar_one()
    checks = looked.checks + batch_checks(connection, looked.staged, int(bad), work.thresholds.hold)
    if looked.staged.batch.status == batches.HELD and holds(looked.staged.batch, checks):
        return checks, None
    outcome = _decide(connection, looked.staged, checks, looked.failed)
    if outcome and outcome["quarantined"]:
        bound(connection, work.thresholds.quarantine, looked.staged.batch.batch_id)
    return checks, outcome


def holds(batch: Batch, checks: list[Check]) -> list[Check]:
    """The broken checks that keep the batch out. A named person's release waves all but the final ones through."""
    broken = [check for check in checks if check.severity == "hold" and not check.is_passed]
    if (batch.status_reason or "").startswith(RELEASED):
        broken = [check for check in broken if check.name in FINAL]
    return broken


def limit_waiting(connection: Connection) -> None:
    """Let a server give up after a minute of waiting for somebody's lock, instead of never."""
    if connection.dialect.name == "postgresql":
        connection.execute(text(f"set local lock_timeout = '{_LOCK_SECONDS}s'"))


def _stage(work: Admission, batch: Batch, rows: str) -> Staged:
    with work.engine.begin() as connection:
        staged = stage(connection, batch, rows)
        if batch.entity == "visit":
            staged = audit(connection, staged, work.registry)
    return staged


def _decide(connection: Connection, staged: Staged, checks: list[Check], failed: str) -> dict[str, int] | None:
    batch, broken = staged.batch, holds(staged.batch, checks)
    record(connection, batch, found_in_landing(connection, staged, checks) if broken else checks)
    if broken:
        reason = "; ".join(check.told() for check in broken)
        move(connection, batch, batches.HELD, reason)
        return None
    outcome = merge(connection, staged, failed)
    connection.execute(insert(batch_outcome).values(batch_id=batch.batch_id, landed=batch.row_count, **outcome))
    if sum(outcome.values()) != batch.row_count:
        raise AccountingError(
            f"Batch {batch.name} landed {batch.row_count} rows, but its outcomes are {outcome}",
            next_step="Nothing of it was merged. Report this with the batch id",
        )
    is_healed = batch.status == batches.HELD
    move(connection, batch, batches.ADMITTED, f"{HEALED}({batch.status_reason})" if is_healed else batch.status_reason)
    return outcome


def _release(connection: Connection, looked: Looked) -> dict[str, int]:
    outcome = merge(connection, looked.staged, looked.failed)
    _add_outcome(connection, looked.staged, outcome)
    return outcome


def move(connection: Connection, batch: Batch, status: str, reason: str | None) -> None:
    """Set a batch's status inside the caller's transaction. Raises LockedError when somebody else was quicker."""
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


def _sweep(engine: Engine) -> None:
    with engine.begin() as connection:
        sql.drop(connection, *sql.scratch_tables(connection))
