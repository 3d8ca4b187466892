"""How a source is declared: its streams, their columns, keys, cursors and windows, and how their pages come.

A vendor file (`google_ads.py`, ...) holds one `Source`. What all vendors share (client, paging, decoding, landing)
reads the declaration; what only one vendor does is a short named function in its file.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rebuttal.errors import RebuttalError

if TYPE_CHECKING:
    from rebuttal.sources.session import Session

# What stands between the parts of a `_key`.
KEY_SEPARATOR = "\x1f"


@dataclass(frozen=True)
class Window:
    """`since` (inclusive) to `until` (exclusive), UTC. Day-grained streams have both at midnight."""

    since: datetime
    until: datetime

    @property
    def first_date(self) -> date:
        """The first day in it."""
        return self.since.date()

    @property
    def last_date(self) -> date:
        """The last day in it (inclusive, as vendors' date ranges are)."""
        return (self.until - timedelta(microseconds=1)).date()

    def __str__(self) -> str:
        if self.since.time() == self.until.time() == datetime.min.time():
            return f"{self.first_date}..{self.last_date}"
        return f"{stamp(self.since)}..{stamp(self.until)}"


@dataclass(frozen=True)
class Restatement:
    """How far back a live pull reads again, and why: the vendor changes the past that far."""

    back: timedelta
    why: str


@dataclass(frozen=True)
class Request:
    """One call. `path` is below the connection's base URL; `expects` is `json` or `tsv`."""

    path: str
    method: str = "GET"
    params: Mapping[str, str] = field(default_factory=dict)
    json: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)
    expects: str = "json"
    accept: tuple[int, ...] = (200,)  # statuses that come with data; all others are explained as errors, but
    pending: tuple[int, ...] = ()  # these say "not yet", without data
    gap: float = 0.0  # seconds to leave since the call before, where the vendor's limit is known


@dataclass(frozen=True)
class Answer:
    """What a vendor refused with: the status, the headers, and the decoded body (None when it is no JSON)."""

    status: int
    headers: Mapping[str, str]
    body: Any


@dataclass
class Page:
    """One answer, spooled to `path` as it came.

    `data` is the decoded JSON (integers as `int` or `decode.Number`, other numbers as `Number`), None for TSV.
    `is_suspect` says that its texts may not be clean, so that each value has to be looked at.
    """

    path: Path
    status: int
    headers: Mapping[str, str]
    size: int
    data: Any = None
    is_suspect: bool = False


@dataclass(frozen=True)
class Stream:
    """One stream of a source, which feeds exactly one entity.

    `columns` maps a landing column to where the vendor has it: a dotted path in an item, or alternatives `a|b` of which
    the first that is there counts. `personal` maps `email` / `phone` to such a path: it lands as hash and kind.
    `key` names landing columns (it is unique within the account). `cursor` is a path in an item whose time says how new
    it is (None: the stream is read as a whole).
    `ignored` names fields that are known and left out on purpose, people's names among them. Fields in none of these
    land in `_extra` and are reported.
    `pages` asks for a window's pages; `items` takes a page apart; `shape` turns an item into none, one or more items;
    `constants` gives columns that a page or the account has once for all rows.
    `named` asks for single objects by the vendor's ids (None: the vendor has no such call) and puts those that it does
    not know into `session.unknown`; `same_objects_as` is the stream whose ids it takes.
    """

    name: str
    entity: str
    columns: Mapping[str, str]
    key: tuple[str, ...]
    pages: Callable[[Session, Window], Iterator[Page]]
    items: Callable[[Page], Iterable[Any]]
    cursor: str | None = None
    by_day: bool = False  # the cursor is a day of the account, so windows are whole days
    restatement: Restatement | None = None
    slice_days: int = 30  # what is landed together when a later part of the window fails
    personal: Mapping[str, str] = field(default_factory=dict)
    ignored: tuple[str, ...] = ()
    nested: tuple[str, ...] = ()  # columns that hold a list or an object; elsewhere that is a change of the contract
    shape: Callable[[dict[str, Any]], Iterable[dict[str, Any]]] | None = None
    constants: Callable[[Session, Page], Mapping[str, str]] | None = None
    account_column: str | None = None  # must equal the account that was asked for
    named: Callable[[Session, Sequence[str]], Iterator[Page]] | None = None
    same_objects_as: str | None = None
    option: str | None = None  # the source's option (true or false) that asks for this stream; None: always read

    @property
    def column_names(self) -> tuple[str, ...]:
        """All vendor columns of the landing table, in order."""
        hashed = (f"{kind}_{part}" for kind in self.personal for part in ("hash", "kind"))
        return (*self.columns, *hashed)

    @property
    def key_places(self) -> tuple[int, ...]:
        """Where the columns of the key stand in `column_names`."""
        return tuple(self.column_names.index(name) for name in self.key)


@dataclass(frozen=True)
class Source:
    """One vendor. `account_option` is the key of the connection's extra that names the account."""

    name: str
    streams: tuple[Stream, ...]
    account_option: str | None = None
    auth_scheme: str = "Bearer"
    # Options of `sources.yml` with their defaults; the default's type is the option's type.
    options: Mapping[str, Any] = field(default_factory=dict)
    # The vendor's own words for errors -> an error, or None for the usual one.
    explain: Callable[[Answer], RebuttalError | None] = lambda _: None
    # The option that maps what the vendor calls its parts to partners: those of partners that left are not asked for.
    partner_option: str | None = None
    # Whether a decoded answer with an accepted status is an error in disguise; gives it to `explain`.
    is_refusal: Callable[[Any], bool] = lambda body: isinstance(body, dict) and "error" in body

    # What objects (stream -> ids) lead to that is heard with them: stream -> ids.
    related: Callable[[Session, Mapping[str, Sequence[str]]], Mapping[str, Sequence[str]]] | None = None

    def stream(self, name: str) -> Stream:
        """The stream of that name. Raises KeyError."""
        return {stream.name: stream for stream in self.streams}[name]


def stamp(moment: datetime) -> str:
    """ISO 8601 in UTC with milliseconds and Z: sorts as text."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def epoch_ms(moment: datetime) -> int:
    """Milliseconds since 1970, UTC."""
    return (moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(milliseconds=1)
