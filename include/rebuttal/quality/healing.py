"""Held batches that need nobody any more: their checks pass by now, or the vendor has given a better answer since.

They are looked at again at every admission. In the second case the batch is closed as `superseded`: of its rows those
that a later admitted batch tells of are `unchanged`, all others are quarantined. Nothing of it is ever merged.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from sqlalchemy import Connection, insert, or_, select, text

from rebuttal.context import Context
from rebuttal.quality.admit import HEALED, Admission, Looked, holds, limit_waiting, look, move, settle
from rebuttal.quality.batch_checks import FINAL, batch_checks
from rebuttal.quality.checks import Check
from rebuttal.quality.retention import bound
from rebuttal.records import OUTCOMES
from rebuttal.state.engine import open_state
from rebuttal.state.failpoint import failpoint
from rebuttal.state.journal import record_decision
from rebuttal.warehouse import batches, sql
from rebuttal.warehouse.batches import Batch
from rebuttal.warehouse.dialects import dialect_of, quoted
from rebuttal.warehouse.merge import suppressed
from rebuttal.warehouse.staging import Staged, stage
from rebuttal.warehouse.tables import batch as batch_table
from rebuttal.warehouse.tables import batch_outcome

BY = "rule:hold.auto"
# Nothing can be closed whose rows are not all there: its accounting could not be exact.
_NOT_WHOLE = "landed_whole"
_NOT_CONFIRMED = (
    "not_confirmed",
    "The batch was held, and the vendor's later answer for the same time does not have this row",
)


@dataclass(frozen=True)
class Healed:
    """A batch that is not held any more: `status` is admitted or superseded, `outcome` where its rows ended."""

    batch: Batch
    status: str
    checks: list[Check]
    outcome: dict[str, int]


def heal(work: Admission, waiting: Iterable[Batch]) -> Iterator[Healed]:
    """Look at held batches again, each in a transaction of its own, until no one of them lets another go."""
    waiting = list(waiting)
    is_news = True
    while is_news:
        is_news = False
        for batch in list(waiting):
            if not _is_hopeful(work, batch):
                continue
            looked = look(work, batch)
            with work.engine.begin() as connection:
                limit_waiting(connection)
                healed = settle_again(connection, work, looked)
                sql.drop(connection, *looked.scratch)
                failpoint("heal.before_commit")
            failpoint("heal.after_commit")
            if healed:
                waiting.remove(batch)
                is_news = True
                yield healed


def settle_again(connection: Connection, work: Admission, looked: Looked) -> Healed | None:
    """Admit a held batch whose checks pass by now, close it when a later answer stands in its place, or leave it."""
    batch = looked.staged.batch
    checks, outcome = settle(connection, work, looked)
    if outcome is not None:
        return Healed(batch, batches.ADMITTED, checks, outcome)
    better = _better_answer(connection, batch, checks)
    if better is None:
        return None
    outcome = _supersede(connection, looked.staged, holds(batch, checks))
    bound(connection, work.thresholds.quarantine, batch.batch_id)
    move(connection, batch, batches.SUPERSEDED, f"superseded by {better.batch_id} ({batch.status_reason})")
    return Healed(batch, batches.SUPERSEDED, checks, outcome)


def write_journal(context: Context, connection: Connection) -> None:
    """Tell the journal of every hold that ended by itself; written once each, also when a run was killed before it."""
    ended = or_(batch_table.c.status == batches.SUPERSEDED, batch_table.c.status_reason.startswith(HEALED))
    columns = [batch_table.c[name] for name in ("batch_id", "source", "stream", "row_count", "status", "status_reason")]
    found = connection.execute(select(*columns).where(ended).order_by(batch_table.c.sequence)).mappings().all()
    if not found:
        return
    with open_state(context.settings) as sessions, sessions.begin() as session:
        for row in found:
            record_decision(
                session,
                kind="hold_release",
                subject=f"{row['source']}.{row['stream']} {row['batch_id']}",
                decision=f"{row['status']}: {row['status_reason']}",
                evidence={"rows": row["row_count"], "status": row["status"]},
                decided_by=BY,
                decided_at=context.clock.now(),
            )


def _is_hopeful(work: Admission, batch: Batch) -> bool:
    """Whether a whole look is worth its price: the checks that cost little pass, or a later answer is there."""
    with work.engine.begin() as connection:
        staged = stage(connection, batch)
        checks = batch_checks(connection, staged, 0, work.thresholds.hold)
        broken = holds(batch, checks)
        is_hopeful = not broken or _better_answer(connection, batch, checks) is not None
        sql.drop(connection, staged.table)
    return is_hopeful


def _better_answer(connection: Connection, batch: Batch, checks: list[Check]) -> Batch | None:
    if any(check.name == _NOT_WHOLE and not check.is_passed for check in checks):
        return None
    return batches.covering(connection, batch)


def _supersede(connection: Connection, staged: Staged, broken: list[Check]) -> dict[str, int]:
    batch, dialect = staged.batch, dialect_of(connection)
    final = [check for check in broken if check.name in FINAL]
    check_name, reason = (final[0].name, final[0].description) if final else _NOT_CONFIRMED
    judged = f"gate.superseded_{batch.sequence}"
    sql.drop(connection, judged)
    sql.run_file(
        connection,
        "supersede.sql",
        scratch=dialect.scratch,
        judged=judged,
        staged=staged.table,
        landing=batch.landing,
        entity=batch.entity,
        batch_id=quoted(batch.batch_id),
        source=quoted(batch.source),
        stream=quoted(batch.stream),
        account_id=quoted(batch.account_id),
        sequence=batch.sequence,
        suppressed=suppressed(staged.entity),
        is_final=bool(final),
        check_name=f"cast({quoted(check_name)} as text)",
        reason=f"cast({quoted(reason)} as text)",
        row_json=dialect.row_json("landed"),
        reason_json=dialect.json_object(check_name="told.check_name", reason="told.reason", value="told.value"),
    )
    found = connection.execute(text(f"select outcome, count(*) from {judged} group by outcome"))
    counted = {str(name): int(rows) for name, rows in found}
    sql.drop(connection, judged)
    outcome = {name: counted.get(name, 0) for name in OUTCOMES}
    outcome["suppressed"] += staged.erased_count
    connection.execute(insert(batch_outcome).values(batch_id=batch.batch_id, landed=batch.row_count, **outcome))
    return outcome
