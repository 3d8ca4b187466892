"""The stage ADMIT: every landed batch in turn, and after each one the held ones that it may have healed."""

from __future__ import annotations

from sqlalchemy import text

from rebuttal.context import Context
from rebuttal.errors import AccountingError, StoreError
from rebuttal.quality import audits
from rebuttal.quality.admit import Admission, admission, admit, holds, limit_waiting
from rebuttal.quality.checks import Check
from rebuttal.quality.healing import heal, write_journal
from rebuttal.quality.utm_history import renormalise
from rebuttal.records import Report
from rebuttal.state.failpoint import failpoint
from rebuttal.warehouse import batches
from rebuttal.warehouse.batches import Batch
from rebuttal.warehouse.suppression import forget, load_suppressed


def run(context: Context, source: str | None = None) -> Report:
    """Admit every landed batch in the order of landing. Nothing landed: nothing is written.

    With `source` only its batches: what an admission does beside them (rules on history, holds of other batches,
    audits, publishing) is left to the next whole one.

    Each batch ends in one transaction as admitted (merged, with all rows accounted for) or held (nothing merged); the
    others go on. Raises LockedError when another admission is running, ConfigError when `utm.yml` or `quality.yml` is
    wrong, and, after all other batches, the AccountingError of a batch whose rows did not add up.
    """
    report = Report("admit")
    with admission(context, publishing=source is None) as work:
        failed: AccountingError | None = None
        with work.engine.begin() as connection:
            limit_waiting(connection)
            # What a pull had read before somebody was erased, and landed after it.
            suppressed = load_suppressed(connection, context.identity_key)
            report.changed |= bool(forget(connection, suppressed, only_waiting=True))
        with work.engine.connect() as connection:
            waiting, held = batches.pending(connection), batches.held(connection)
        if source is None:
            _follow_rules(report, work, is_needed=bool(waiting))
        else:
            waiting, held = [batch for batch in waiting if batch.source == source], []
        # Holds of earlier runs are looked at once here (a rule may have changed), then when their entity has news.
        units = {(batch.source, batch.entity, batch.account_id): batch for batch in held}
        for batch in [*units.values(), *waiting]:
            try:
                if batch.status == batches.HELD or _admit(work, report, batch):
                    _heal(work, report, batch)
            except AccountingError as error:
                failed = failed or error
                report.problems.append(str(error))
            except StoreError as error:
                report.problems.append(str(error))
        failpoint("admit.before_audits")
        if source is None:
            audits.run(context, work.engine, work.registry, report)
        failpoint("admit.before_journal")
        with work.engine.connect() as connection:
            write_journal(context, connection)
        if failed:
            raise failed
    return report


def _follow_rules(report: Report, work: Admission, *, is_needed: bool) -> None:
    """History is judged by the same tag rules as what is new. An empty warehouse stays empty."""
    with work.engine.begin() as connection:
        limit_waiting(connection)
        if not is_needed and connection.execute(text("select 1 from core.visit limit 1")).first() is None:
            return
        if judged := renormalise(connection, work.registry):
            report.add("visits_judged_again", judged)
            report.changed = True


def _admit(work: Admission, report: Report, batch: Batch) -> bool:
    checks, outcome = admit(work, batch)
    _tell(report, batch, checks, outcome)
    return outcome is not None


def _heal(work: Admission, report: Report, like: Batch) -> None:
    with work.engine.connect() as connection:
        held = batches.held(connection, like)
    for healed in heal(work, held):
        _tell(report, healed.batch, healed.checks, healed.outcome, healed.status)


def _tell(
    report: Report,
    batch: Batch,
    checks: list[Check],
    outcome: dict[str, int] | None,
    status: str = batches.ADMITTED,
) -> None:
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
    report.add(f"batches_{status}")
    for name, rows in {"landed": batch.row_count, **outcome}.items():
        report.add(name, rows)
    report.details.append({**told, "status": status, **outcome, "warnings": warnings})
