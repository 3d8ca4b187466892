"""One erasure from request to receipt; and forgetting again in a store that was restored."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from rebuttal.context import Context
from rebuttal.erasure import inbox, stores, warehouse
from rebuttal.erasure.subject import Person, Subject, find_person, read_subject, said_only_by
from rebuttal.erasure.work import STORES, Work, alone, is_there
from rebuttal.records import Report
from rebuttal.sources.registry import load_sources
from rebuttal.state import Erasure, ErasureReceipt, Sessions, Suppression, open_state
from rebuttal.state.failpoint import failpoint
from rebuttal.warehouse import open_warehouse
from rebuttal.warehouse.suppression import Identifier, load_suppressed, mirror
from rebuttal.warehouse.suppression.people import hash_of

__all__ = ["erase", "inbox", "keep_erased", "stores", "warehouse"]

_COMMANDS = {"partner_id": "rebuttal partner end"}  # what began an erasure, by the kind of its subject
_AGAIN = ("marts", "versions", "files")  # what follows once landing and core have forgotten


def erase(context: Context, subject: str, by: str) -> Report:
    """Erase the person that `subject` (e-mail address, phone number, `source:contact id`) names, in every store.

    `details`: store, removed, erased_at for each store; the receipt keeps them. A second call finds nothing and changes
    nothing. Raises ConfigError for a subject that names no single person, LockedError when the warehouse is busy, and
    what the tracker raises when tasks that quote the person cannot be reached: the person is suppressed by then, and
    the same command goes on where it stopped.
    """
    report = Report("erase")
    regions = tuple(load_sources(context.settings.config).phone_regions)
    with open_state(context.settings) as sessions:
        with open_warehouse(context.settings) as engine, engine.begin() as connection:
            asked = read_subject(context, connection, subject, regions)
            person = find_person(connection, asked)
            phrases, hashes = (
                said_only_by(connection, person) if is_there(connection, "marts", "text_label") else ([], [])
            )
        work = Work(context, regions, person, phrases, hashes)
        is_new = suppress(context, sessions, asked, person, by)
        failpoint("erase.after_suppression")
        with open_warehouse(context.settings) as engine, engine.begin() as connection:
            is_new |= mirror(connection, hashes_of(context, person))
        failpoint("erase.after_mirror")
        forget_everywhere(sessions, asked, work, report, is_new=is_new)
    return report


def forget_everywhere(sessions: Sessions, asked: Subject, work: Work, report: Report, *, is_new: bool) -> None:
    """Let every store forget who is suppressed already, and write the receipt into `report`.

    Unless `is_new`, an erasure that has ended is not done again.
    """
    now = work.context.clock.now
    if is_new or not _is_finished(sessions, asked):
        for name, forget in STORES.known.items():
            removed = forget(work)
            failpoint("erase.after_store")
            _sign(sessions, asked, name, removed, now())
            report.add("removed", removed)
        _finish(sessions, asked, now())
        failpoint("erase.after_finish")
        report.changed = True
    report.counts.setdefault("removed", 0)
    report.details = _receipt(sessions, asked.subject_hash)
    report.counts["stores"] = len(report.details)


def list_erasures(context: Context) -> list[dict[str, object]]:
    """Every erasure so far, oldest first: subject_hash, subject_kind, requested_at, requested_by, finished_at."""
    with open_state(context.settings) as sessions, sessions() as session:
        rows = session.scalars(select(Erasure).order_by(Erasure.requested_at, Erasure.subject_hash)).all()
        return [{column.name: getattr(row, column.name) for column in Erasure.__table__.columns} for row in rows]


def unfinished(context: Context, after: timedelta = timedelta(hours=1)) -> list[str]:
    """A line for each erasure that began more than `after` ago and has not ended; it names nobody."""
    with open_state(context.settings) as sessions, sessions() as session:
        began = Erasure.requested_at < context.clock.now() - after
        rows = session.scalars(select(Erasure).where(Erasure.finished_at.is_(None), began)).all()
    with open_state(context.settings) as sessions:
        lines = [(row, {line["store"] for line in _receipt(sessions, row.subject_hash)}) for row in rows]
    return [
        f"The erasure {row.subject_hash[:12]} that {row.requested_by} asked for at"
        f" {row.requested_at:%Y-%m-%d %H:%M} UTC has not ended; still to forget:"
        f" {', '.join(name for name in STORES.known if name not in done) or 'nothing'}."
        f" Run `{_COMMANDS.get(row.subject_kind, 'rebuttal erase')}` for the same again; it goes on where it stopped"
        for row, done in lines
    ]


def keep_erased(context: Context) -> bool:
    """Let a restored store forget again before anybody reads it; True when it had to.

    The list of the suppressed is kept twice, in the state store and in the warehouse: what one of them lost, a backup
    being older than the erasure, comes back from the other. Costs nothing while nobody was ever erased.
    """
    with open_state(context.settings) as sessions, sessions() as session:
        kept = frozenset(session.scalars(select(Suppression.subject_hash)))
    if not kept:
        return False
    with open_warehouse(context.settings) as engine, engine.begin() as connection:
        known = load_suppressed(connection, context.identity_key).hashes
        is_restored = bool(kept - known)
    if known - kept:
        _suppress_again(context, known - kept)
    if not is_restored:
        return False
    work = Work(context, tuple(load_sources(context.settings.config).phone_regions))
    with alone(context) as engine, engine.begin() as connection:
        mirror(connection, kept)
        warehouse.forget_all(connection, work)  # in the same transaction: a whole list says that the rows are gone
    for name in _AGAIN:
        STORES.known[name](work)
    return True


def hashes_of(context: Context, person: Person) -> frozenset[str]:
    """What stands for the person in both lists of the suppressed."""
    return frozenset(hash_of(one, context.identity_key) for one in person.identifiers)


def suppress(context: Context, sessions: Sessions, asked: Subject, person: Person, by: str) -> bool:
    """Write who is suppressed, and that an erasure began; True when anything was new."""
    now = context.clock.now()
    with sessions.begin() as session:
        is_new = _add(session, context, person.identifiers, now)
        if session.get(Erasure, asked.subject_hash) is None:
            session.add(
                Erasure(
                    subject_hash=asked.subject_hash,
                    subject_kind=asked.kind,
                    requested_at=now,
                    requested_by=by,
                    finished_at=None,
                )
            )
            is_new = True
    return is_new


def _add(session: Session, context: Context, identifiers: frozenset[Identifier], now: datetime) -> bool:
    is_new = False
    for one in sorted(identifiers, key=lambda one: (one.kind, one.scope, one.value)):
        hashed = hash_of(one, context.identity_key)
        if session.get(Suppression, hashed) is None:
            session.add(Suppression(subject_hash=hashed, identifier_kind=one.kind, requested_at=now, reason="erasure"))
            is_new = True
    return is_new


def _suppress_again(context: Context, hashes: frozenset[str]) -> None:
    with open_state(context.settings) as sessions, sessions.begin() as session:
        for one in sorted(hashes):
            session.merge(
                Suppression(
                    subject_hash=one,
                    identifier_kind="unknown",
                    requested_at=context.clock.now(),
                    reason="known to the warehouse only: the state store was restored",
                )
            )


def _is_finished(sessions: Sessions, asked: Subject) -> bool:
    with sessions() as session:
        return session.get_one(Erasure, asked.subject_hash).finished_at is not None


def _sign(sessions: Sessions, asked: Subject, store: str, removed: int, now: datetime) -> None:
    with sessions.begin() as session:
        line = session.get(ErasureReceipt, (asked.subject_hash, store))
        if line is None:
            line = ErasureReceipt(subject_hash=asked.subject_hash, store=store, removed_count=0, erased_at=now)
            session.add(line)
        line.removed_count += removed
        line.erased_at = now


def _finish(sessions: Sessions, asked: Subject, now: datetime) -> None:
    with sessions.begin() as session:
        session.get_one(Erasure, asked.subject_hash).finished_at = now


def _receipt(sessions: Sessions, subject_hash: str) -> list[dict[str, object]]:
    with sessions() as session:
        lines = session.scalars(select(ErasureReceipt).where(ErasureReceipt.subject_hash == subject_hash)).all()
    by_store = {line.store: line for line in lines}
    return [
        {"store": name, "removed": by_store[name].removed_count, "erased_at": by_store[name].erased_at}
        for name in STORES.known
        if name in by_store
    ]
