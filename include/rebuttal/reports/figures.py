"""What a week's digest knows, language-free. A query that fails leaves its part `None`: it is never shown as zero."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from importlib.resources import files
from typing import Any, TypeVar

from sqlalchemy import Engine, inspect, text
from sqlalchemy.exc import SQLAlchemyError

from rebuttal.outgoing import are_alike, is_safe, plain_line
from rebuttal.reports.week import Week
from rebuttal.warehouse.publish import require_marts
from rebuttal.warehouse.theme_names import Names, theme_names

TREND_WEEKS = 12
USUAL_WEEKS = 8  # the weeks before, whose mean is "usual"
TOO_LITTLE = 10  # fewer voices in a week than this are told with a warning
TOLD_FROM = 0.5  # what is restated by less is not told
_QUOTES = 2

Part = TypeVar("Part")


@dataclass
class ThemeWeek:
    """One theme in the week. `usual` is the mean of the weeks before, None without any; money in base currency."""

    category: str
    theme: str
    count: int
    usual: float | None
    money: float | None
    trend: str = ""  # what the week is beside the theme's own noise, see marts.theme_trend; empty when not told
    quotes: list[str] = field(default_factory=list)

    @property
    def key(self) -> str:
        """`category/theme`."""
        return f"{self.category}/{self.theme}"

    @property
    def is_new(self) -> bool:
        """Nobody voiced it in the weeks before, and that is no accident."""
        return self.trend == "new"

    @property
    def is_rising(self) -> bool:
        """Above usual by more than weekly noise."""
        return self.trend == "rising"


@dataclass(frozen=True)
class Voices:
    """The week's objections. `trend`: (week, voices) of the weeks from the first with voices on, this one last.

    money: at stake in base `currency`, a deal once however many themes it voiced; None when no amount is known.
    """

    themes: list[ThemeWeek]
    trend: list[tuple[Week, int]]
    currency: str
    money: float | None

    @property
    def count(self) -> int:
        """Deals and people that voiced something, once per theme."""
        return sum(theme.count for theme in self.themes)

    @property
    def usual(self) -> float | None:
        """Mean of the weeks before; None when there are none."""
        earlier = [count for _, count in self.trend[:-1]][-USUAL_WEEKS:]
        return sum(earlier) / len(earlier) if earlier else None


@dataclass(frozen=True)
class Restated:
    """A vendor changed in this week what it had said of earlier ones, from that of `since` on, by `delta` in all."""

    source: str
    measure: str
    currency: str | None
    since: date
    delta: float


@dataclass(frozen=True)
class Health:
    """What a reader must know of the data. Days are UTC."""

    late: list[tuple[str, date | None]]  # source, last day that it covers
    is_heard: bool  # whether anything of what people say in this week can have arrived
    held: list[tuple[str, int]]  # source, batches
    quarantined: int
    restated: list[Restated]
    text_count: int | None
    unclear_count: int | None


@dataclass(frozen=True)
class Figures:
    """Everything of one week; a part is None when it could not be computed, with the reason in `failed`."""

    week: Week
    voices: Voices | None
    tasks: list[Mapping[str, Any]] | None
    verdicts: list[Mapping[str, Any]] | None
    health: Health | None
    failed: list[str]
    theme_names: Names = field(default_factory=dict)


def read_figures(engine: Engine, week: Week, expected: Sequence[str], partner: str | None = None) -> Figures:
    """Read the published marts. A part whose query fails is None and named in `failed`; the others are still read.

    `expected` names the sources that should have data. With a `partner` only what its own customers said is read, and
    nothing of the company's tasks and verdicts. Raises StoreError when no marts have been published yet.
    """
    require_marts(engine)
    failed: list[str] = []

    def attempt(name: str, read: Callable[[], Part]) -> Part | None:
        return attempted(f"The digest's {name}", read, failed)

    limits = {"monday": week.monday, "next_monday": week.monday + timedelta(weeks=1)}
    health = attempt("data health", lambda: data_health(engine, _midnight(week.monday), week.ends_at, expected))
    voices = attempt("objections", lambda: _voices(engine, week, partner))
    if voices is not None and not voices.themes and health is not None and not health.is_heard:
        # Silence because nothing has arrived is not silence.
        voices = None
        failed.append(f"Nothing of what people said in {week.iso} has arrived; the digest says so")
    return Figures(
        week=week,
        voices=voices,
        tasks=[] if partner else attempt("tasks", lambda: list(rows_of(engine, "tasks"))),
        verdicts=[] if partner else attempt("verdicts", lambda: list(rows_of(engine, "verdicts", **limits))),
        health=health,
        failed=failed,
        theme_names=attempt("names of themes", lambda: theme_names(engine)) or {},
    )


def attempted(part: str, read: Callable[[], Part], failed: list[str]) -> Part | None:
    """What `read` gives; None when its query fails, and `failed` then says that `part` could not be computed."""
    try:
        return read()
    except SQLAlchemyError as error:
        failed.append(f"{part} could not be computed ({type(error).__name__})")
        return None


def _voices(engine: Engine, week: Week, partner: str | None) -> Voices:
    told = {} if partner else _trends(engine, week)  # the trends are the whole company's
    since = week.before(TREND_WEEKS - 1).monday
    rows = rows_of(engine, "week_themes", since=since, week=week.monday, partner=partner)
    weeks = {number: week.before(number) for number in range(TREND_WEEKS)}
    by_theme: dict[tuple[str, str], dict[date, Mapping[str, Any]]] = {}
    totals: dict[date, int] = {}
    for row in rows:
        monday = _day(row["week_start"])
        by_theme.setdefault((row["category"], row["theme"]), {})[monday] = row
        totals[monday] = totals.get(monday, 0) + int(row["voice_count"])
    first = min(totals, default=week.monday)
    usual_weeks = [weeks[n].monday for n in range(1, USUAL_WEEKS + 1) if weeks[n].monday >= first]
    themes = [
        ThemeWeek(
            category=category,
            theme=theme,
            count=int(found[week.monday]["voice_count"]),
            usual=sum(int(found[m]["voice_count"]) for m in usual_weeks if m in found) / len(usual_weeks)
            if usual_weeks
            else None,
            money=None if found[week.monday]["money"] is None else float(found[week.monday]["money"]),
            trend=told.get((category, theme), ""),
        )
        for (category, theme), found in by_theme.items()
        if week.monday in found
    ]
    _add_quotes(themes, rows_of(engine, "week_quotes", week=week.monday, partner=partner))
    themes.sort(key=lambda t: (not t.is_new, not t.is_rising, -(t.money or 0.0), -t.count, t.key))
    trend = [(weeks[n], totals.get(weeks[n].monday, 0)) for n in reversed(weeks) if weeks[n].monday >= first]
    money = rows_of(engine, "week_money", week=week.monday, partner=partner)[0]["money"]
    currency = next((str(row["currency"]) for row in rows if row["currency"]), "EUR")
    return Voices(themes, trend, currency, None if money is None else float(money))


def _trends(engine: Engine, week: Week) -> dict[tuple[str, str], str]:
    """What each theme's week is; nothing is told of marts that were published without it."""
    if not inspect(engine).has_table("theme_trend", schema="marts"):
        return {}
    return {(row["category"], row["theme"]): row["trend"] for row in rows_of(engine, "week_trends", week=week.monday)}


def _add_quotes(themes: Sequence[ThemeWeek], rows: Sequence[Mapping[str, Any]]) -> None:
    by_key = {(theme.category, theme.theme): theme for theme in themes}
    for row in rows:
        line = plain_line(str(row["quote"]), limit=220)
        theme = by_key.get((row["category"], row["theme"]))
        if theme is None or not line or not is_safe(line) or len(theme.quotes) == _QUOTES:
            continue
        if not any(are_alike(line, known) for known in theme.quotes):
            theme.quotes.append(line)


def data_health(engine: Engine, starts_at: datetime, ends_at: datetime, expected: Sequence[str]) -> Health:
    """What a reader of a period must know of the data. `expected` names the sources that should have data."""
    sources = rows_of(engine, "sources_until")
    never = set(expected) - {row["source"] for row in sources}
    late: list[tuple[str, date | None]] = [(source, None) for source in sorted(never)]
    late += [
        (row["source"], _last_day(row["covered_until"]))
        for row in sources
        if row["covered_until"] is None or row["covered_until"] < ends_at
    ]
    heard_until = max((row["heard_until"] for row in sources if row["heard_until"]), default=None)
    heard = rows_of(engine, "texts_heard", starts_at=starts_at, ends_at=ends_at)[0]
    restated = rows_of(engine, "restated", monday=starts_at.date(), starts_at=starts_at, ends_at=ends_at)
    return Health(
        late=late,
        is_heard=heard_until is not None and heard_until > starts_at,
        held=[(row["source"], int(row["held_count"])) for row in sources if row["held_count"]],
        quarantined=int(rows_of(engine, "quarantined", starts_at=starts_at)[0]["row_count"]),
        restated=[
            Restated(row["source"], row["measure"], row["currency"], _day(row["since"]), float(row["delta"]))
            for row in restated
            if abs(row["delta"]) >= TOLD_FROM
        ],
        text_count=int(heard["text_count"]),
        unclear_count=int(heard["unclear_count"]),
    )


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)


def _last_day(until: datetime | None) -> date | None:
    """The last day before `until`, which is exclusive."""
    return None if until is None else (until - timedelta(microseconds=1)).date()


def _day(value: Any) -> date:
    return value.date() if isinstance(value, datetime) else value


def rows_of(engine: Engine, name: str, **values: Any) -> list[Mapping[str, Any]]:
    """The rows of queries/<name>.sql."""
    query = (files("rebuttal.reports") / "queries" / f"{name}.sql").read_text(encoding="utf-8")
    with engine.connect() as connection:
        return [dict(row) for row in connection.execute(text(query), values).mappings()]
