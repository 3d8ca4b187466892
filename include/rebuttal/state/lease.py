"""Leases: who works on what just now, so that live runs, backfills, retries and twins of a task never overlap.

| resource | what it keeps to one at a time |
|---|---|
| pull:<source> | reading a source and landing its batches, live or backfill |
| admit | everything that writes core: admission, release from quarantine, replay |
| model, listen, answer, prove | the stage |
| tell:<what> | sending one kind of message |

A lease ends by itself some time after its holder stopped renewing it, by the clock of the database. Nobody can know
whether that holder is dead or only slow; so who takes over gets a higher *fencing token*, and every transaction on both
stores that the slow one still commits is refused with LeaseLostError (`state.engine`, `warehouse.fence`).
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import Context, ContextVar
from datetime import datetime
from importlib.resources import files
from typing import NoReturn

from sqlalchemy import Connection, TextClause, select, text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Mapped, Session, mapped_column, sessionmaker

from rebuttal.errors import BusyError, LeaseLostError
from rebuttal.state.model import Base
from rebuttal.state.worker import is_gone, this_worker

log = logging.getLogger(__name__)

LEASE_SECONDS = 60.0
_PAUSE_SECONDS = 0.2
_CLOCK = {
    "sqlite": {
        "now": r"strftime('%Y-%m-%d %H\:%M\:%f', 'now') || '000'",
        "later": r"strftime('%Y-%m-%d %H\:%M\:%f', 'now', :seconds || ' seconds') || '000'",
    },
    "postgresql": {"now": "clock_timestamp()", "later": "clock_timestamp() + make_interval(secs => :seconds)"},
}


class Lease(Base):
    """The work on one resource. Without a holder it is free. `expires_at`: by the clock of the database."""

    __tablename__ = "lease"

    resource: Mapped[str] = mapped_column(primary_key=True)
    token: Mapped[int]  # grows with every holder that took over from one who had not ended
    holder: Mapped[str | None]  # see state.worker
    taken_at: Mapped[datetime | None]
    expires_at: Mapped[datetime | None]


class Held:
    """A lease that this process holds, and its token."""

    def __init__(self, sessions: sessionmaker[Session], resource: str, holder: str, seconds: float) -> None:
        self._sessions, self._seconds = sessions, seconds
        self.resource, self.holder, self.token = resource, holder, 0
        self.is_lost = False
        self.store = str(sessions.kw["bind"].url)
        self._statements = {
            name: _statement(name, sessions.kw["bind"].dialect.name)
            for name in ("lease_take", "lease_take_over", "lease_renew", "lease_release")
        }
        self._ended = threading.Event()

    def take(self) -> Lease | None:
        """Try to take it; the row of who holds it when somebody does. One statement decides, never a look before."""
        found = self._run("lease_take")
        if found is None:
            with self._sessions() as session:
                row = session.get(Lease, self.resource)
            if row is None or not is_gone(row.holder):
                return row or Lease(resource=self.resource)
            found = self._run("lease_take_over", seen_token=row.token, seen_holder=row.holder)
            if found is None:
                return row
        self.token = found
        return None

    def renew(self, grown: int | None = None) -> bool:
        """Hold it for longer; False when somebody else has taken it over. `grown`: a higher token to have from now."""
        found = self._run("lease_renew", token=self.token, grown=grown or self.token)
        if found is None:
            self.is_lost = True
            return False
        self.token = found
        return True

    def release(self) -> None:
        """Let others have it."""
        self._run("lease_release", token=self.token)

    def keep(self) -> None:
        """Renew it again and again until `end`; for a thread of its own."""
        while not self._ended.wait(self._seconds / 3):
            try:
                if not self.renew():
                    return  # the next commit says so
            except SQLAlchemyError as error:  # the store is away: the lease may end, and then the fence decides
                log.warning("The lease on %s could not be renewed: %s", self.resource, type(error).__name__)

    def end(self) -> None:
        """Let `keep` return."""
        self._ended.set()

    def refuse(self, connection: Connection) -> NoReturn:
        """Roll back what is about to be committed, and raise."""
        self.is_lost = True
        # SQLAlchemy takes a commit that failed for one that the database has ended: said to the driver itself.
        connection.connection.rollback()
        raise self.lost()

    def lost(self) -> LeaseLostError:
        """The error of who is fenced off."""
        return LeaseLostError(
            f"The lease on {self.resource} was lost: this run was away for longer than {self._seconds:.0f} s, and"
            " another one has taken over. Nothing of this step was written",
            next_step="Nothing to do when the other run ends well; it does the same work",
        )

    def _run(self, name: str, **values: object) -> int | None:
        given = {"resource": self.resource, "holder": self.holder, "seconds": self._seconds, **values}
        return Context().run(self._execute, name, given)  # no lease is asked for where one is taken or given back

    def _execute(self, name: str, given: dict[str, object]) -> int | None:
        with self._sessions.begin() as session:
            found = session.execute(self._statements[name], given)
            return found.scalar() if found.returns_rows else None  # type: ignore[attr-defined]


_held: ContextVar[tuple[Held, ...]] = ContextVar("held_leases", default=())


def held_leases() -> tuple[Held, ...]:
    """The leases under which the caller works, outermost first."""
    return _held.get()


@contextmanager
def lease(
    sessions: sessionmaker[Session], resource: str, *, seconds: float = LEASE_SECONDS, wait: float = 0.0
) -> Iterator[Held]:
    """Work on `resource` alone. Whatever is committed inside, to either store, is refused once the lease is lost.

    Renewed in the background every third of `seconds`; a holder that died on this host is taken over from at once, any
    other when its time is over. Asked for again inside itself, it is the same lease. Raises BusyError when another
    process holds it for longer than `wait` seconds.
    """
    store = str(sessions.kw["bind"].url)
    for outer in held_leases():
        if (outer.resource, outer.store) == (resource, store):
            yield outer
            return
    held = Held(sessions, resource, this_worker(), seconds)
    _take(held, wait)
    keeper = threading.Thread(target=held.keep, name=f"lease {resource}", daemon=True)
    keeper.start()
    before = _held.set((*held_leases(), held))
    try:
        yield held
    finally:
        _held.reset(before)
        held.end()
        keeper.join()
        held.release()


def refuse_lost(connection: Connection, store: str) -> None:
    """Raise LeaseLostError when a lease on the state store `store` that the caller works under is gone."""
    for held in held_leases():
        if held.store != store:
            continue
        query = select(Lease.token, Lease.holder).where(Lease.resource == held.resource)
        # The row is held until the commit: a take-over comes before the look or after the commit.
        found = connection.execute(query.with_for_update(read=True)).first()
        if held.is_lost or found is None or tuple(found) != (held.token, held.holder):
            held.refuse(connection)


def _take(held: Held, wait: float) -> None:
    deadline = time.monotonic() + wait
    while (other := held.take()) is not None:
        if time.monotonic() >= deadline:
            since = f" since {other.taken_at:%Y-%m-%d %H:%M:%S} UTC" if other.taken_at else ""
            host, pid = (*(other.holder or "?").split(":"), "?")[:2]
            raise BusyError(
                f"{held.resource} is already running{since} (process {pid} on {host})",
                next_step="Nothing to do: that run does the same work. Start this again when it has ended",
            )
        time.sleep(_PAUSE_SECONDS)


def _statement(name: str, dialect: str) -> TextClause:
    query = files("rebuttal.state").joinpath("statements", f"{name}.sql").read_text(encoding="utf-8")
    return text(query.format(**_CLOCK[dialect]))
