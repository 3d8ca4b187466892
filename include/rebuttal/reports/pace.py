"""Budgets off their pace: which are worth an alert, to whom they were told already, and how they are told."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import inspect, select

from rebuttal.outgoing import plain_line
from rebuttal.reports.figures import rows_of
from rebuttal.reports.language import Words
from rebuttal.settings import Settings
from rebuttal.state import PaceTold, Sessions
from rebuttal.warehouse import open_published

Row = dict[str, Any]
Told = Mapping[tuple[str, str], tuple[str, datetime]]  # (month, channel) -> state, when


def read_pace(settings: Settings, today: date) -> list[Row]:
    """The running month's budgets that are off their pace; none where the plan's marts were not published yet.

    Rows of queries/pace.sql. Raises StoreError when nothing was published.
    """
    with open_published(settings) as engine:
        if not inspect(engine).has_table("plan_pace", schema="marts"):
            return []
        return [dict(row) for row in rows_of(engine, "pace", month=today.replace(day=1))]


def told_of(sessions: Sessions, channel: str) -> Told:
    """What a reader or room was last told of each budget."""
    with sessions() as session:
        rows = session.scalars(select(PaceTold).where(PaceTold.channel == channel)).all()
        return {(row.month, row.subject): (row.state, row.told_at) for row in rows}


def due(rows: Sequence[Row], told: Told, now: datetime, cool_down_days: float) -> list[Row]:
    """Those that are news: another state than was told, or the same after the cool-down. Pure."""

    def is_due(row: Row) -> bool:
        state, at = told.get((_month(row), row["channel"]), ("", now))
        return bool(state != row["state"]) or now - at >= timedelta(days=cool_down_days)

    return [row for row in rows if is_due(row)]


def record_told(sessions: Sessions, channel: str, rows: Sequence[Row], now: datetime) -> None:
    """Remember that `channel` was told of `rows` at `now`."""
    with sessions.begin() as session:
        for row in rows:
            session.merge(
                PaceTold(channel=channel, month=_month(row), subject=row["channel"], state=row["state"], told_at=now)
            )


def channel_name(words: Words, channel: str) -> str:
    """What people call an advertising channel."""
    key = f"review.channel_name.{channel}"
    return words(key) if words.has(key) else plain_line(channel, 40)


def pace_sentence(words: Words, row: Mapping[str, Any]) -> str:
    """How a budget stands, with its figures."""
    named = ("budget_base", "spent_base", "forecast_base")
    figures = {name.removesuffix("_base"): "—" if row[name] is None else _money(words, row, name) for name in named}
    return words(f"review.plan.{row['state']}", **figures)


def pace_line(words: Words, row: Row) -> dict[str, Any]:
    """The same as a line of an alert."""
    return {
        "what": pace_sentence(words, row),
        "where": channel_name(words, row["channel"]),
        "count": words("review.plan.known_until", day=words.day(row["measured_until"] - timedelta(days=1))),
        "since": None,
        "examples": "",
        "step": words(f"review.plan.next.{row['state']}"),
    }


def _money(words: Words, row: Mapping[str, Any], name: str) -> str:
    return words.money(float(row[name]), str(row["currency"]))


def _month(row: Row) -> str:
    return f"{row['month_start']:%Y-%m}"
