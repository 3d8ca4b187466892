"""The stage's one function: pull every stream of every source, each on its own, and tell what came of it.

A stream that fails is told and the others go on. What it had read wholly (slices of its window, in order) is landed;
the slice that failed is not, and the next pull reads it again from the watermark.
"""

from __future__ import annotations

import gc
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import Engine

from rebuttal.context import Context
from rebuttal.errors import (
    BusyError,
    ContractError,
    LeaseLostError,
    LockedError,
    RebuttalError,
    StoreError,
    ThrottledError,
)
from rebuttal.records import Report
from rebuttal.sources import batches
from rebuttal.sources.auth import TokenAuth
from rebuttal.sources.client import Client, WaitBudget, host_of
from rebuttal.sources.config import SourceConfig, SourcesConfig
from rebuttal.sources.declare import Source, Stream, Window
from rebuttal.sources.entering import enter_piece
from rebuttal.sources.reading import SliceReader
from rebuttal.sources.registry import load_sources, registry, source_of
from rebuttal.sources.rows import RowMaker
from rebuttal.sources.session import Session
from rebuttal.sources.spool import Piece, RowSpool, spool_folder
from rebuttal.sources.windows import Watermark, backfill_window, live_window, slices, whole_days
from rebuttal.state import alone
from rebuttal.state.failpoint import failpoint
from rebuttal.warehouse.engine import open_warehouse
from rebuttal.warehouse.suppression import Suppressed, load_suppressed

log = logging.getLogger(__name__)

# Rows after which whole slices are landed as a batch of their own, so that a long first pull keeps what it has.
BATCH_ROWS = 500_000
# No row at all where so many were to be expected is told, for as long as the stream was not silent.
SILENCE_ROWS = 500
SILENCE_FORGOTTEN = timedelta(days=60)
# New objects between two looks of the garbage collector: a page has a thousand.
GARBAGE_OBJECTS = 50_000


@dataclass
class Outcome:
    """What came of one stream; `Report.details` holds one as a mapping for each stream."""

    source: str
    stream: str
    account_id: str
    status: str = "unchanged"  # landed | unchanged | failed | deferred
    window: str = ""
    rows_read: int = 0
    rows_landed: int = 0
    pages: int = 0
    batch_ids: list[str] = field(default_factory=list)
    extra_fields: list[str] = field(default_factory=list)  # sent by the vendor, not declared; at most 50
    defects: dict[str, int] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


def run(
    context: Context,
    source: str | None = None,
    window: tuple[date, date] | None = None,
    *,
    raise_on_failure: bool = False,
) -> Report:
    """Pull `source` (default: all that are configured and enabled) into landing.

    Without `window` the pull is live: from each stream's watermark minus its restatement up to the clock's now. With
    `window` (from, to: dates, both inclusive, UTC) it is a backfill of the streams that have a cursor, and no watermark
    moves. The report has a detail for each stream and a problem line for each that failed; `changed` is false when the
    vendors had nothing new. Raises ConfigError for a wrong configuration or source, StoreError or LockedError when the
    warehouse cannot be used; a failing vendor is raised (the first one) only with `raise_on_failure`, after all others.
    Each source is pulled under its lease: one that another process pulls just now is a problem of the report, or a
    BusyError when it is the only one that was asked for.
    """
    config = load_sources(context.settings.config)
    wanted = [source_of(source)] if source else [one for one in registry().values() if _is_enabled(config, one)]
    backfill = backfill_window(context.clock, window) if window else None
    report, failures = Report("pull"), list[RebuttalError]()
    with _outlived():
        for one in wanted:
            try:
                with alone(context.settings, f"pull:{one.name}"):
                    known, suppressed = _known(context, config)
                    _SourcePull(context, config, one, known, suppressed, backfill, report, failures).run()
            except BusyError as error:
                if source:
                    raise
                report.problems.append(str(error))
    if failures and raise_on_failure:
        raise failures[0]
    return report


def _known(context: Context, config: SourcesConfig) -> tuple[dict[tuple[str, str, str], str], Suppressed]:
    with open_warehouse(context.settings) as engine, engine.connect() as connection:
        suppressed = load_suppressed(connection, context.identity_key, config.phone_regions)
        return batches.watermarks(connection), suppressed


@contextmanager
def _outlived() -> Iterator[None]:
    """Keep the garbage collector off what was there before, and let it look seldom: decoded pages hold no cycles."""
    if gc.get_freeze_count():  # somebody else's, whose end is not ours to choose
        yield
        return
    youngest, *older = gc.get_threshold()
    gc.freeze()
    gc.set_threshold(max(youngest, GARBAGE_OBJECTS), *older)
    try:
        yield
    finally:
        gc.set_threshold(youngest, *older)
        gc.unfreeze()


def _is_enabled(config: SourcesConfig, source: Source) -> bool:
    return source.name in config.sources and config.sources[source.name].enabled


@dataclass
class _SourcePull:
    context: Context
    config: SourcesConfig
    source: Source
    known: dict[tuple[str, str, str], str]
    suppressed: Suppressed
    backfill: Window | None
    report: Report
    failures: list[RebuttalError]

    def run(self) -> None:
        """Pull all streams over one connection, with one budget of waiting."""
        part, limits = self.config.sources.get(self.source.name, SourceConfig()), self.config.limits
        try:
            connection = self.context.resolve(part.connection or self.source.name)
            connection.secret()
            option = self.source.account_option
            account = connection.option(option) if option else str(connection.extra.get("account") or "default")
            auth = TokenAuth(connection, self.source.auth_scheme, host_of(connection))
        except RebuttalError as error:
            self._failed("*", error)
            return
        options = self._without_ended({**self.source.options, **part.options})
        client = Client(self.source, connection.host, auth, limits, WaitBudget(limits.wait_budget_seconds))
        try:
            for stream in self.source.streams:
                if stream.option and not options[stream.option]:
                    continue
                if self.backfill is not None and stream.cursor is None:
                    continue  # read as a whole each time: it has no past to fill
                with spool_folder(self.context.settings.spool) as folder:
                    now = self.context.clock.now()
                    self._stream(stream, Session(client, connection, account, options, limits, now, folder))
        finally:
            client.close()

    def _without_ended(self, options: dict[str, Any]) -> dict[str, Any]:
        """The options without partners that left, whatever `sources.yml` still says."""
        name = self.source.partner_option
        if name is None:
            return options
        ended = self.suppressed.among("partner_id", map(str, options[name].values()), ("", ""))
        return {**options, name: {part: one for part, one in options[name].items() if str(one) not in ended}}

    def _stream(self, stream: Stream, session: Session) -> None:
        outcome = Outcome(self.source.name, stream.name, session.account)
        try:
            _StreamPull(self, stream, session, outcome).run()
        except (StoreError, LockedError, LeaseLostError):
            raise
        except RebuttalError as error:
            outcome.status = "deferred" if isinstance(error, ThrottledError) else "failed"
            self._failed(stream.name, error)
        outcome.pages, outcome.notes = session.page_count, session.notes
        self.report.add(f"streams_{outcome.status}")
        self.report.add("rows_landed", outcome.rows_landed)
        self.report.add("batches", len(outcome.batch_ids))
        self.report.changed |= bool(outcome.batch_ids)
        self.report.details.append(vars(outcome))

    def _failed(self, stream: str, error: RebuttalError) -> None:
        self.failures.append(error)
        line = f"{self.source.name}.{stream}: {type(error).__name__}: {error}"
        self.report.problems.append(line)
        log.warning("%s", line)


class _StreamPull:
    """One stream: choose the window, read it slice by slice, land what is whole."""

    def __init__(self, pull: _SourcePull, stream: Stream, session: Session, outcome: Outcome) -> None:
        self._context, self._stream, self._session, self._outcome = pull.context, stream, session, outcome
        self._source = pull.source.name
        self._kind = batches.LIVE if pull.backfill is None else batches.BACKFILL
        self._before = pull.known.get((self._source, stream.name, session.account)) if pull.backfill is None else None
        part = pull.config.sources.get(self._source, SourceConfig())
        history = part.history_days or pull.config.history_days
        window = pull.backfill or live_window(stream, self._context.clock, self._before, history)
        self._window = whole_days(window) if stream.by_day else window
        self._rows = RowSpool(stream, session.spool)
        self._maker = RowMaker(stream, self._context.identity_key, pull.config.phone_regions)
        watermark = Watermark(stream, self._before, self._window.until)
        self._reader = SliceReader(stream, session, self._maker, self._rows, watermark, pull.suppressed, self._source)
        outcome.window = str(self._window)

    def run(self) -> None:
        """Raises what the first failing slice raised, after landing the slices before it."""
        self._since = self._window.since  # from where on slices are read but not landed
        try:
            for piece in slices(self._window, self._stream.slice_days) if self._stream.cursor else [self._window]:
                try:
                    self._reader.read(piece)
                except RebuttalError:
                    self._land(piece.since)
                    raise
                if self._rows.row_count >= BATCH_ROWS:
                    self._land(piece.until)
            self._land(self._window.until)
        finally:
            self._tell()

    def _tell(self) -> None:
        self._outcome.rows_read = self._reader.row_count
        self._outcome.extra_fields = sorted(self._maker.extra_names)[:50]
        self._outcome.defects = self._maker.defect_counts
        name, future = f"{self._source}.{self._stream.name}", self._reader.watermark.future_count
        if future:
            self._session.note(f"{name}: {future} rows have a time in the future; they move no watermark")
        if self._outcome.extra_fields:
            self._session.note(f"{name}: fields that are not declared: {', '.join(self._outcome.extra_fields[:10])}")

    def _land(self, until: datetime) -> None:
        """Land the whole slices up to `until` as a batch, unless they say nothing new."""
        window, piece, totals = Window(self._since, until), self._rows.take(), self._reader.take_totals()
        self._since = until
        stream, settings = self._stream, self._context.settings
        with open_warehouse(settings) as engine:
            if self._reader.row_count == 0 and until == self._window.until:
                self._refuse_silence(engine)
            cursor = self._reader.watermark.text() if self._kind == batches.LIVE else None
            book = batches.Pulled(
                self._source,
                stream.name,
                stream.entity,
                self._session.account,
                self._kind,
                window,
                self._before,
                cursor,
            )
            batch_id = enter_piece(engine, settings, stream, book, piece, totals, self._context.clock.now())
            failpoint("pull.after_commit")
        if batch_id is None:
            return
        self._book(piece, batch_id)
        self._before = cursor or self._before

    def _refuse_silence(self, engine: Engine) -> None:
        """Raise ContractError when an empty answer is a surprise: then it is no news but a fault."""
        if self._kind != batches.LIVE:
            return
        now, days = self._context.clock.now(), (self._window.until - self._window.since) / timedelta(days=1)
        with engine.connect() as connection:
            daily = batches.usual_daily_rows(
                connection, self._source, self._stream.name, self._session.account, now - SILENCE_FORGOTTEN
            )
        if daily * days >= SILENCE_ROWS:
            raise ContractError(
                f"{self._stream.name}: no rows for {self._window} where about {daily * days:.0f} are usual",
                next_step="Look at the vendor's own page: a lost permission or filter shows nothing; data here stays",
            )

    def _book(self, piece: Piece, batch_id: str) -> None:
        self._outcome.status = "landed"
        self._outcome.rows_landed += piece.row_count
        self._outcome.batch_ids.append(batch_id)
        log.info("%s.%s: landed %d rows as %s", self._source, self._stream.name, piece.row_count, batch_id)
