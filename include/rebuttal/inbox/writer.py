"""The receiver's way into the store: whatever waits while one transaction is synced to disk goes into the next one.

Nobody is told that an event is kept before its transaction is committed. A store that fails is opened anew, so that no
connection is trusted whose sync to disk failed.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import islice

from sqlalchemy import Connection, text
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError, InterfaceError, InternalError, OperationalError

from rebuttal.errors import StoreError, UnavailableError
from rebuttal.inbox.arrivals import Arrival, KnownError, Outcome, receive_new, receive_within
from rebuttal.settings import Settings
from rebuttal.state import ReceiverProbe, open_state
from rebuttal.state.failpoint import failpoint

MOST_WAITING = 2000  # deliveries; what comes above is told to come again
_MOST_EVENTS = 500  # in one transaction
_PATIENCE_S = 4.0  # HubSpot gives up after five
_REOPEN_S = 0.5
# Locks of others end in a 503, and a commit is on disk whatever the server's default is.
_IMPATIENT = text(
    "SELECT set_config('lock_timeout', '3s', false), set_config('statement_timeout', '4s', false),"
    " set_config('synchronous_commit',"
    " CASE WHEN current_setting('synchronous_commit') = 'off' THEN 'on' ELSE current_setting('synchronous_commit') END,"
    " false)"
)
# The log goes into the database file after 16 MB, not after 4: fewer deliveries wait for it, and less is written twice.
_SELDOM = text("PRAGMA wal_autocheckpoint = 4000")
Keep = Callable[[Connection, list[Arrival], datetime], list[Outcome]]
_log = logging.getLogger(__name__)


class StoreFullError(UnavailableError):
    """More deliveries wait for the store than may; nothing of this one was kept."""


@dataclass(frozen=True)
class _Job:
    arrivals: list[Arrival]
    done: asyncio.Future[list[Outcome]]
    deadline: float  # by the loop's clock


@dataclass
class Commits:
    """What the writer did so far."""

    transactions: int = 0
    events: int = 0
    failures: int = 0  # deliveries that the store did not take
    seconds: float = 0.0


class Writer:
    """One connection, one thread, one transaction at a time. Used on one event loop; `close` ends it."""

    def __init__(self, settings: Settings, *, most_events: int = _MOST_EVENTS) -> None:
        self.commits = Commits()
        self._settings, self._most_events = settings, most_events
        self._waiting: list[_Job] = []
        self._unanswered: deque[_Job] = deque()
        self._alarm: asyncio.TimerHandle | None = None
        self._working: asyncio.Task[None] | None = None
        self._thread = ThreadPoolExecutor(1, "inbox-writer")
        self._store = _Store(settings)

    @property
    def waiting_count(self) -> int:
        """Deliveries that wait for the store."""
        return len(self._waiting)

    async def keep(self, arrivals: list[Arrival]) -> list[Outcome]:
        """Keep all events of one delivery, in one transaction: what became of each, once that is on disk.

        Raises UnavailableError when the store did not say so in time; then they may be kept all the same, and the
        sender's next try is a repeat.
        """
        if not arrivals:
            return []
        if len(self._waiting) >= MOST_WAITING:
            raise StoreFullError("Too many deliveries wait for the store", retry_after=1)
        loop = asyncio.get_running_loop()
        job = _Job(arrivals, loop.create_future(), loop.time() + _PATIENCE_S)
        self._waiting.append(job)
        self._unanswered.append(job)
        if self._working is None:
            self._working = asyncio.create_task(self._work())
        if self._alarm is None:
            self._alarm = loop.call_at(job.deadline, self._lose_patience)
        return await job.done

    async def probe(self) -> None:
        """Write one row. Raises UnavailableError when the store does not take it."""
        try:
            async with asyncio.timeout(_PATIENCE_S):
                await asyncio.get_running_loop().run_in_executor(self._thread, self._store.probe)
        except TimeoutError:
            raise UnavailableError("The store took too long") from None

    async def close(self) -> None:
        """Write what waits, then end."""
        while self._working is not None:
            await asyncio.wait([self._working])
        if self._alarm is not None:
            self._alarm.cancel()
        await asyncio.get_running_loop().run_in_executor(self._thread, self._store.close)
        self._thread.shutdown()

    async def _work(self) -> None:
        loop = asyncio.get_running_loop()
        try:
            while self._waiting:
                await self._gather()
                jobs = self._next()
                begun = time.perf_counter()
                kept = await loop.run_in_executor(self._thread, self._store.keep, [job.arrivals for job in jobs])
                self.commits.transactions += 1
                self.commits.seconds += time.perf_counter() - begun
                for job, outcome in zip(jobs, kept, strict=True):
                    self._tell(job, outcome)
                while self._unanswered and self._unanswered[0].done.done():
                    self._unanswered.popleft()
        finally:
            self._working = None

    async def _gather(self) -> None:
        """Take in what has come already before the thread begins. Both need the interpreter: a thread that asks for it
        step by step while deliveries are read took a quarter more time for each of them."""
        count = 0
        while count < len(self._waiting) < self._most_events:
            count = len(self._waiting)
            await asyncio.sleep(0)

    def _lose_patience(self) -> None:
        """One alarm for all jobs: they lose patience in the order in which they came."""
        loop, self._alarm = asyncio.get_running_loop(), None
        while self._unanswered and (self._unanswered[0].done.done() or self._unanswered[0].deadline <= loop.time()):
            job = self._unanswered.popleft()
            if not job.done.done():
                job.done.set_exception(UnavailableError("The store took too long", retry_after=5))
        if self._unanswered:
            self._alarm = loop.call_at(self._unanswered[0].deadline, self._lose_patience)

    def _tell(self, job: _Job, outcome: list[Outcome] | UnavailableError) -> None:
        is_kept = not isinstance(outcome, UnavailableError)
        self.commits.events += len(job.arrivals) if is_kept else 0
        self.commits.failures += not is_kept
        if job.done.done():
            return
        if isinstance(outcome, UnavailableError):
            job.done.set_exception(outcome)
        else:
            job.done.set_result(outcome)

    def _next(self) -> list[_Job]:
        count = events = 0
        for job in self._waiting:
            if count and events + len(job.arrivals) > self._most_events:
                break
            count, events = count + 1, events + len(job.arrivals)
        jobs, self._waiting = self._waiting[:count], self._waiting[count:]
        return [job for job in jobs if not job.done.done()]


class _Store:
    """The store as the writer's thread sees it: opened when needed, closed after a failure."""

    def __init__(self, settings: Settings) -> None:
        self._settings = _impatient(settings)
        self._open = ExitStack()
        self._connection: Connection | None = None
        self._not_before = 0.0
        self._was_cut = False  # a connection that was good before ended, as when the server is started anew

    def keep(self, deliveries: list[list[Arrival]]) -> list[list[Outcome] | UnavailableError]:
        """All of them in one transaction; one by one when the engine does not like something in one of them."""
        if not deliveries:
            return []
        try:
            return list(self._keep_together(deliveries))
        except UnavailableError as error:
            if self._was_cut:  # whatever was committed meanwhile is a repeat now
                self._was_cut = False
                return self.keep(deliveries)
            return [error] * len(deliveries)
        except DBAPIError as error:
            _log.error("the store refuses what a delivery holds: %s", type(error.orig).__name__)
            if len(deliveries) == 1:
                return [UnavailableError("The store refuses what this delivery holds", retry_after=600)]
            return [self.keep([delivery])[0] for delivery in deliveries]

    def probe(self) -> None:
        """Write the row of this receiver. Raises UnavailableError."""
        row = {"receiver": "receiver", "written_at": datetime.now(UTC)}
        with self._transaction() as connection:
            insert = (postgresql if connection.dialect.name == "postgresql" else sqlite).insert(ReceiverProbe)
            changed = {"written_at": insert.excluded.written_at}
            connection.execute(insert.values(row).on_conflict_do_update(index_elements=["receiver"], set_=changed))

    def close(self) -> None:
        """Give the connection back."""
        self._connection = None
        self._open.close()

    def _keep_together(self, deliveries: list[list[Arrival]]) -> list[list[Outcome]]:
        together, now = [one for delivery in deliveries for one in delivery], datetime.now(UTC)
        try:
            outcomes = self._commit(receive_new, together, now)
        except KnownError:
            outcomes = self._commit(receive_within, together, now)
        told = iter(outcomes)
        return [list(islice(told, len(delivery))) for delivery in deliveries]

    def _commit(self, keep: Keep, arrivals: list[Arrival], now: datetime) -> list[Outcome]:
        with self._transaction() as connection:
            outcomes = keep(connection, arrivals, now)
            failpoint("inbox.before_commit")
        failpoint("inbox.after_commit")
        return outcomes

    @contextmanager
    def _transaction(self) -> Iterator[Connection]:
        is_kept = self._connection is not None
        try:
            connection = self._opened()
            with connection.begin():
                yield connection
        except (OperationalError, InterfaceError, InternalError, StoreError, OSError) as error:
            self._was_cut = is_kept and isinstance(error, DBAPIError) and error.connection_invalidated
            self._not_before = 0.0 if self._was_cut else time.monotonic() + _REOPEN_S
            self._give_up()
            cause = error.orig if isinstance(error, DBAPIError) else error
            _log.warning("the store does not take events: %s", type(cause).__name__)
            raise UnavailableError("The store does not take events", retry_after=5) from None

    def _opened(self) -> Connection:
        """One connection, kept, so that no delivery pays for a check of it."""
        if self._connection is None:
            if time.monotonic() < self._not_before:
                raise UnavailableError("The store did not take events a moment ago", retry_after=5)
            sessions = self._open.enter_context(open_state(self._settings))
            self._connection = self._open.enter_context(sessions.kw["bind"].connect())
            first = _IMPATIENT if self._connection.dialect.name == "postgresql" else _SELDOM
            with self._connection.begin():
                self._connection.execute(first)
        return self._connection

    def _give_up(self) -> None:
        """The connection is not to be trusted any more."""
        if self._connection is not None:
            self._connection.invalidate()
        self.close()


def _impatient(settings: Settings) -> Settings:
    """A server that cannot be reached is told within seconds, before the sender gives up."""
    url = make_url(settings.state_url)
    if url.get_backend_name() != "postgresql" or "connect_timeout" in url.query:
        return settings
    patient = url.update_query_dict({"connect_timeout": "3"})
    return replace(settings, state_url=patient.render_as_string(hide_password=False))
