"""Admitting again from landing after a rule changed: core is then as if the rule had always been there.

A rule is anything that decides what becomes of a landed row: a suite, a staging file, `Entity.same_event`,
`quality.yml`, the UTM registry. Batches that feed one entity of one source and account can have an influence on each
other (a copy folded, a column known to be filled) and on no others, so they are replayed together, in the order of
landing.
What people decided stays: a hold that was released is not held again by the checks that it was released from.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import Connection, Engine, delete, func, select, text, update

from rebuttal.context import Context
from rebuttal.errors import ConfigError
from rebuttal.quality import audits
from rebuttal.quality.admit import RELEASED, Admission, Looked, admission, limit_waiting, look, settle
from rebuttal.quality.healing import settle_again, write_journal
from rebuttal.records import OUTCOMES, Report
from rebuttal.state.failpoint import failpoint
from rebuttal.warehouse import batches, sql
from rebuttal.warehouse.batches import Batch
from rebuttal.warehouse.dialects import dialect_of, quoted
from rebuttal.warehouse.entities import ENTITIES, Entity
from rebuttal.warehouse.tables import batch as batch_table
from rebuttal.warehouse.tables import batch_outcome, check_result, duplicate, quarantine, restatement

_RECORDS = (duplicate, quarantine, check_result, batch_outcome, restatement)


@dataclass(frozen=True)
class Unit:
    """What is replayed together."""

    source: str
    entity: str
    account_id: str

    @property
    def declared(self) -> Entity:
        """The entity's declaration."""
        return ENTITIES[self.entity]


def replay(context: Context, what: str, account_id: str | None = None) -> Report:
    """Admit again whatever was admitted, held or superseded of `what`: a batch id or `source.stream`.

    Everything that feeds the same entity of the same source and account goes along. One transaction an account: a
    reader sees core as before or as after, and a run that was killed has changed nothing. Counts the rows of core that
    came, went and are different, and where the landed rows ended. Raises ConfigError when `what` was never judged,
    LockedError when another admission is running, AccountingError (and nothing is changed) when rows do not add up.
    """
    report = Report("replay")
    with admission(context) as work:
        for unit in _units(work.engine, what, account_id):
            _replay(work, unit, report)
        audits.run(context, work.engine, work.registry, report)
        with work.engine.connect() as connection:
            write_journal(context, connection)
    return report


def _units(engine: Engine, what: str, account_id: str | None) -> list[Unit]:
    source, _, stream = what.partition(".")
    chosen = (batch_table.c.batch_id == what) | ((batch_table.c.source == source) & (batch_table.c.stream == stream))
    if account_id is not None:
        chosen &= batch_table.c.account_id == account_id
    columns = (batch_table.c.source, batch_table.c.entity, batch_table.c.account_id)
    query = select(*columns).where(chosen, batch_table.c.status != batches.LANDED).distinct().order_by(*columns)
    with engine.connect() as connection:
        found = connection.execute(query)
        units = [Unit(*row) for row in found]
    if not units:
        of_account = f" of account {account_id}" if account_id is not None else ""
        raise ConfigError(
            f"Nothing was ever admitted or held of {what}{of_account}",
            next_step="Give a batch id or SOURCE.STREAM as `rebuttal account` lists them",
        )
    return units


def _replay(work: Admission, unit: Unit, report: Report) -> None:
    with work.engine.connect() as connection:
        judged = batches.judged(connection, unit.source, unit.entity, unit.account_id)
    looked = [look(work, _as_landed(batch)) for batch in judged]
    failpoint("replay.after_look")
    with work.engine.begin() as connection:
        limit_waiting(connection)
        before = _keep_core(connection, unit)
        ended_before = _ended(connection, judged)
        _clear(connection, unit, judged)
        failpoint("replay.after_clear")
        _admit_again(connection, work, looked)
        moved = _compare(connection, unit, before)
        ended = _ended(connection, judged)
        sql.drop(connection, before, *(name for one in looked for name in one.scratch))
        failpoint("replay.before_commit")
    failpoint("replay.after_commit")
    report.add("batches", len(judged))
    for name, count in {**moved, **ended}.items():
        report.add(name, count)
    report.changed |= any(moved.values()) or ended != ended_before
    report.details.append(
        {"source": unit.source, "entity": unit.entity, "account_id": unit.account_id, **moved, **ended}
    )


def _as_landed(batch: Batch) -> Batch:
    """As it was before anybody judged it, but for a person's decision."""
    reason = batch.status_reason if (batch.status_reason or "").startswith(RELEASED) else None
    return replace(batch, status=batches.LANDED, status_reason=reason)


def _clear(connection: Connection, unit: Unit, judged: list[Batch]) -> None:
    mine = {"source": unit.source, "account_id": unit.account_id}
    for name in (unit.entity, f"{unit.entity}_copy") if unit.declared.same_event else (unit.entity,):
        connection.execute(text(f"delete from core.{name} where source = :source and account_id = :account_id"), mine)
    ids = [batch.batch_id for batch in judged]
    for table in _RECORDS:
        connection.execute(delete(table).where(table.c.batch_id.in_(ids)))
    for batch in judged:
        landed = _as_landed(batch)
        connection.execute(
            update(batch_table)
            .where(batch_table.c.batch_id == batch.batch_id)
            .values(status=landed.status, status_reason=landed.status_reason)
        )


def _admit_again(connection: Connection, work: Admission, looked: list[Looked]) -> None:
    held: list[Looked] = []
    for one in looked:
        _, outcome = settle(connection, work, one)
        if outcome is None:
            held.append(_as_stored(connection, one))
            continue
        is_news = True
        while is_news:
            still = [waiting for waiting in held if settle_again(connection, work, waiting) is None]
            held, is_news = still, len(still) < len(held)


def _as_stored(connection: Connection, looked: Looked) -> Looked:
    batch = batches.find(connection, looked.staged.batch.batch_id)
    assert batch is not None
    return replace(looked, staged=replace(looked.staged, batch=batch))


def _keep_core(connection: Connection, unit: Unit) -> str:
    kept, columns = "gate.core_before", ", ".join(unit.declared.columns)
    sql.drop(connection, kept)
    mine = f"source = {quoted(unit.source)} and account_id = {quoted(unit.account_id)}"
    made = f"create {dialect_of(connection).scratch} {kept} as select {columns} from core.{unit.entity} where {mine}"
    connection.execute(text(made))
    return kept


def _compare(connection: Connection, unit: Unit, before: str) -> dict[str, int]:
    key, columns = unit.declared.key, tuple(unit.declared.columns)
    found = sql.run_file(
        connection,
        "compare_core.sql",
        before=before,
        entity=unit.entity,
        source=quoted(unit.source),
        account_id=quoted(unit.account_id),
        key=key,
        columns=columns,
    )
    return {f"core_{name}": int(value) for name, value in found.mappings().one().items()}


def _ended(connection: Connection, judged: list[Batch]) -> dict[str, int]:
    ids = [batch.batch_id for batch in judged]
    sums = [func.coalesce(func.sum(batch_outcome.c[name]), 0).label(name) for name in OUTCOMES]
    row: Any = connection.execute(select(*sums).where(batch_outcome.c.batch_id.in_(ids))).mappings().one()
    held = select(func.count()).where(batch_table.c.batch_id.in_(ids), batch_table.c.status == batches.HELD)
    return {
        **{name: int(row[name]) for name in OUTCOMES},
        "batches_held": int(connection.execute(held).scalar_one()),
    }
