"""The targeted pull: just the named objects, and what is heard with them, for a webhook that told of them.

Rows land in the streams of the normal pull with the same shape, so that a later full pull finds them unchanged. Batches
are of the kind `targeted`: they cover no window and move no watermark, so the normal pull reads all of it again and
finds whatever a webhook missed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

from sqlalchemy import Engine

from rebuttal.context import Context
from rebuttal.errors import ConfigError
from rebuttal.records import Report
from rebuttal.sources import batches
from rebuttal.sources.auth import TokenAuth
from rebuttal.sources.client import Client, WaitBudget, host_of
from rebuttal.sources.config import SourceConfig, SourcesConfig
from rebuttal.sources.declare import Page, Source, Stream, Window
from rebuttal.sources.entering import enter_piece
from rebuttal.sources.reading import SliceReader
from rebuttal.sources.registry import load_sources, source_of
from rebuttal.sources.rows import RowMaker
from rebuttal.sources.session import Session
from rebuttal.sources.spool import Piece, RowSpool, spool_folder
from rebuttal.sources.windows import Watermark
from rebuttal.warehouse.engine import open_warehouse
from rebuttal.warehouse.suppression import Suppressed, load_suppressed

# A webhook is answered in seconds or left to the next try: nobody waits for a throttled vendor for minutes here.
WAIT_BUDGET_SECONDS = 20.0
ROUNDS = 3  # what is named leads to more (a deal to its notes), and that no further


@dataclass(frozen=True)
class Named:
    """What a targeted pull brought. `found` and `unknown`: stream -> ids; unknown ones the vendor does not know."""

    report: Report
    found: Mapping[str, frozenset[str]]
    unknown: Mapping[str, frozenset[str]]


@dataclass
class _Read:
    stream: Stream
    piece: Piece
    session: Session


@dataclass
class _Asked:
    """Ids by stream that were asked for, and what the vendor did not know of them."""

    ids: dict[str, dict[str, None]] = field(default_factory=dict)
    unknown: dict[str, set[str]] = field(default_factory=dict)


def pull_named(context: Context, source: str, named: Mapping[str, Sequence[str]]) -> Named:
    """Land the named objects (stream -> the vendor's ids) of `source`, with what belongs to them.

    The report counts `rows_landed`, `batches` and `unknown`; it is `changed` when something landed. Raises ConfigError
    for a source or stream that cannot be asked by name, and whatever the vendor or the warehouse fails with: then the
    streams read before it are not landed either, and trying again is safe.
    """
    one = source_of(source)
    for name in named:
        if name not in {stream.name for stream in one.streams if stream.named}:
            raise ConfigError(f"{source}.{name} cannot be asked for single objects", next_step="Wait for the full pull")
    config = load_sources(context.settings.config)
    asked = _Asked({name: dict.fromkeys(ids) for name, ids in named.items()})
    with open_warehouse(context.settings) as engine, engine.connect() as connection:
        suppressed = load_suppressed(connection, context.identity_key, config.phone_regions)
    with spool_folder(context.settings.spool) as folder, opened(context, config, one, folder) as session:
        reads = list(_read_all(context, config, one, asked, suppressed, session))
        with open_warehouse(context.settings) as engine:
            report = _land(context, engine, one, reads)
    report.counts["unknown"] = sum(len(ids) for ids in asked.unknown.values())
    unknown = {name: frozenset(ids) for name, ids in asked.unknown.items() if ids}
    found = {name: frozenset(ids) - unknown.get(name, frozenset()) for name, ids in asked.ids.items()}
    return Named(report, found, unknown)


@contextmanager
def opened(context: Context, config: SourcesConfig, source: Source, folder: Path) -> Iterator[Session]:
    """A session with the vendor for a few calls, of little patience. Raises CredentialsError and ConfigError."""
    part, limits = config.sources.get(source.name, SourceConfig()), config.limits
    connection = context.resolve(part.connection or source.name)
    connection.secret()
    option = source.account_option
    account = connection.option(option) if option else str(connection.extra.get("account") or "default")
    auth = TokenAuth(connection, source.auth_scheme, host_of(connection))
    budget = WaitBudget(min(limits.wait_budget_seconds, WAIT_BUDGET_SECONDS))
    client = Client(source, connection.host, auth, limits, budget)
    options = {**source.options, **part.options}
    try:
        yield Session(client, connection, account, options, limits, context.clock.now(), folder)
    finally:
        client.close()


def _read_all(
    context: Context,
    config: SourcesConfig,
    source: Source,
    asked: _Asked,
    suppressed: Suppressed,
    session: Session,
) -> Iterator[_Read]:
    """Read what is named, then what that leads to, each object once."""
    done: dict[str, set[str]] = {}
    read = partial(_read, context, config, suppressed, source.name)
    for _ in range(ROUNDS):
        fresh = {name: [id_ for id_ in ids if id_ not in done.get(name, ())] for name, ids in asked.ids.items()}
        fresh = {name: ids for name, ids in fresh.items() if ids}
        if not fresh:
            return
        for name, ids in fresh.items():
            done.setdefault(name, set()).update(ids)
        known: dict[str, list[str]] = {}
        for stream in source.streams:
            wanted = fresh.get(stream.same_objects_as or stream.name, [])
            if stream.named is None or not wanted:
                continue
            yield read(stream, wanted, session)
            if stream.same_objects_as is None:
                asked.unknown.setdefault(stream.name, set()).update(session.unknown)
                known[stream.name] = [id_ for id_ in wanted if id_ not in session.unknown]
        for name, more in source.related(session, known).items() if source.related else ():
            asked.ids.setdefault(name, {}).update(dict.fromkeys(more))


def _read(
    context: Context,
    config: SourcesConfig,
    suppressed: Suppressed,
    source: str,
    stream: Stream,
    ids: Sequence[str],
    session: Session,
) -> _Read:
    named = stream.named
    assert named is not None

    def pages(session: Session, _: Window) -> Iterator[Page]:
        return named(session, ids)

    # A folder of its own: streams number their files alike, and a piece is landed after all were read.
    mine = replace(session, spool=session.spool / f"{stream.name}-{session.page_count}")
    mine.spool.mkdir(mode=0o700)
    session.unknown.clear()
    rows = RowSpool(stream, mine.spool)
    maker = RowMaker(stream, context.identity_key, config.phone_regions)
    now = context.clock.now()
    asked = replace(stream, pages=pages)
    watermark = Watermark(stream, None, now)
    SliceReader(asked, mine, maker, rows, watermark, suppressed, source).read(Window(now, now))
    session.page_count = mine.page_count
    return _Read(stream, rows.take(), mine)


def _land(context: Context, engine: Engine, source: Source, reads: Sequence[_Read]) -> Report:
    report, now = Report("pull"), context.clock.now()
    for one in reads:
        account = one.session.account
        book = batches.Pulled(
            source.name,
            one.stream.name,
            one.stream.entity,
            account,
            batches.TARGETED,
            Window(now, now),
            None,
            None,
        )
        batch_id = enter_piece(engine, context.settings, one.stream, book, one.piece, {}, now)
        if batch_id is not None:
            report.changed = True
            report.add("batches")
            report.add("rows_landed", one.piece.row_count)
            report.details.append({"stream": one.stream.name, "batch_id": batch_id, "rows_landed": one.piece.row_count})
    return report
