"""Published marts of a small company, and a real mail server that keeps what it got."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import yaml
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session
from sqlalchemy import Column, MetaData, Table, insert
from tests.reports.alerting import channel, loud

from rebuttal.clock import Clock
from rebuttal.connections import Connection
from rebuttal.context import Context
from rebuttal.settings import PROJECT_ROOT, Settings
from rebuttal.warehouse import mart, open_warehouse
from rebuttal.warehouse.publish import publish
from rebuttal.warehouse.quality_mart import refresh_quality
from rebuttal.warehouse.tables import DATE, REAL, TEXT, TIME, batch, batch_outcome

__all__ = ["channel", "loud"]  # fixtures

NOW = datetime(2026, 11, 16, 9, tzinfo=UTC)  # a Monday: the digest tells of 9-15 November
MONDAY = date(2026, 11, 9)


@dataclass
class Post:
    """A mail server's handler. `answers` are given instead of the next ones, by command."""

    received: list[tuple[str, list[str], EmailMessage]] = field(default_factory=list)
    answers: dict[str, list[str]] = field(default_factory=dict)
    cut_after_text: int = 0
    controller: Any = None

    async def handle_RCPT(self, server: SMTP, session: Session, envelope: Envelope, address: str, options: Any) -> str:
        queued = self.answers.get("RCPT", [])
        if queued and (answer := queued.pop(0)):
            return answer
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        queued = self.answers.get("DATA", [])
        if queued and (answer := queued.pop(0)):
            return answer
        message = message_from_bytes(envelope.content or b"", policy=default)
        self.received.append((str(envelope.mail_from), list(envelope.rcpt_tos), message))  # type: ignore[arg-type]
        if self.cut_after_text:
            self.cut_after_text -= 1
            server.transport.abort()
            await asyncio.sleep(0.2)
        return "250 OK"


@pytest.fixture
def post() -> Iterator[Post]:
    """A mail server on a free port, without TLS."""
    handler = Post()
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    controller = Controller(handler, hostname="127.0.0.1", port=port, ready_timeout=30)
    controller.start()
    handler.controller = controller
    yield handler
    controller.stop()


def objection_table() -> Table:
    names = ["objection_id", "category", "theme", "quote", "source_role", "stage", "currency", "outcome", "deal_id"]
    names.append("partner_id")
    columns = [Column(name, TEXT) for name in names]
    more = [Column("week_start", DATE), Column("money_at_risk_base", REAL), Column("confidence", REAL)]
    return Table("objection", MetaData(), *columns, *more, schema="marts")


def trend_table() -> Table:
    columns = [Column(name, TEXT) for name in ("category", "theme", "trend")]
    return Table("theme_trend", MetaData(), Column("week_start", DATE), *columns, schema="marts")


def usual_trends() -> list[Any]:
    """What listening found for `usual_weeks`."""
    words = {"price/too_high": "rising", "trust/reviews": "new", "availability/delivery_time": "steady"}
    return [
        {"week_start": MONDAY, "category": key.split("/")[0], "theme": key.split("/")[1], "trend": word}
        for key, word in words.items()
    ]


def text_label_table() -> Table:
    columns = (Column("status", TEXT), Column("occurred_at", TIME))
    return Table("text_label", MetaData(), *columns, schema="marts")


def voices(
    category: str, theme: str, weeks_ago: int, count: int, money: float | None = 1500.0, quote: str = ""
) -> list[Any]:
    return [
        {
            "objection_id": f"{category}-{theme}-{weeks_ago}-{n}",
            "category": category,
            "theme": theme,
            "quote": quote or f"Для нас це задорого, {n} разів думали",
            "source_role": "buyer",
            "stage": "proposal",
            "currency": "EUR",
            "outcome": "lost",
            "deal_id": f"d{n}",
            "week_start": MONDAY - timedelta(weeks=weeks_ago),
            "money_at_risk_base": money,
            "confidence": 0.9,
        }
        for n in range(count)
    ]


def usual_weeks() -> list[Any]:
    """Price is usual and has risen, reviews are new, delivery is as ever."""
    rows = [row for week in range(1, 9) for row in voices("price", "too_high", week, 4)]
    rows += [row for week in range(1, 9) for row in voices("availability", "delivery_time", week, 3)]
    rows += voices("price", "too_high", 0, 11) + voices("availability", "delivery_time", 0, 3)
    return rows + voices("trust", "reviews", 0, 4, 2500.0, "Отзывов в сети нет, боюсь связываться")


def task_row(task_id: str, theme: str, status: str, **extra: Any) -> dict[str, Any]:
    words = ("change", "reason", "success_criterion", "metric", "direction")
    row = {
        "task_id": task_id,
        "theme": theme,
        "category": theme.split("/")[0],
        "title": "Answer it",
        "score": 1.0,
        "score_parts": "{}",
        "subject_count": 5,
        "money_at_risk_base": 1.0,
        "currency": "EUR",
        "status": status,
        "tracker_status": "In Progress",
        "assignee": None,
        "task_key": f"MKT-{task_id}",
        "task_url": f"https://jira.example/browse/MKT-{task_id}",
        "published_url": None,
        "published_at": None,
        "closed_at": None,
        "created_at": NOW - timedelta(days=20),
        **dict.fromkeys((f"hypothesis_{word}" for word in words), "x"),
        "hypothesis_expected_size": 0.25,
        "hypothesis_minimum_sample": 40,
        "hypothesis_baseline_days": 84,
        "hypothesis_horizon_days": 28,
        "hypothesis_deadline": date(2027, 1, 1),
    }
    return {**row, **extra}


def effect_row(task_id: str, theme: str, verdict: str, until: date) -> dict[str, Any]:
    return {
        "task_id": task_id,
        "theme": theme,
        "category": theme.split("/")[0],
        "metric": "objection_rate",
        **dict.fromkeys(("baseline", "observed", "control_baseline", "control_observed"), 0.2),
        "effect": -0.31,
        "interval_low": -0.48,
        "interval_high": -0.12,
        "sample_size": 412,
        "baseline_sample_size": 390,
        "verdict": verdict,
        "reason": "x",
        "is_final": True,
        "evaluated_until": until,
    }


def batch_row(source: str, until: datetime, status: str = "admitted") -> dict[str, Any]:
    return {
        "batch_id": f"{source}-{until:%d}-{status}",
        "sequence": 1,
        "source": source,
        "stream": "s",
        "entity": "deal",
        "account_id": "a",
        "kind": "live",
        "window_from": until - timedelta(days=7),
        "window_to": until,
        "row_count": 10,
        "content_hash": "h",
        "landed_at": until,
        "status": status,
    }


@dataclass(frozen=True)
class Company:
    """A company whose marts a test may change before they are published, and its mail server."""

    settings: Settings
    post: Post
    now: datetime = NOW

    def context(self, now: datetime | None = None, **connection: Any) -> Context:
        extra = {"disable_tls": True, "disable_ssl": True, "from_email": "loop@example.com"}
        port = self.post.controller.server.sockets[0].getsockname()[1]
        values: dict[str, Any] = {"host": "127.0.0.1", "port": port, "extra": extra, **connection}
        return Context(
            self.settings, Clock(now or self.now), lambda name: Connection(name, **values), b"0123456789abcdef"
        )

    def fill(
        self,
        objections: list[Any] | None = None,
        tasks: list[Any] | None = None,
        effects: list[Any] | None = None,
        batches: list[Any] | None = None,
        without: tuple[str, ...] = (),
    ) -> None:
        """Publish marts; what is not given is a company with something in every part."""
        done = {"published_at": datetime(2026, 11, 11, 10, tzinfo=UTC), "published_url": "https://brand.example/pay"}
        tasks = tasks if tasks is not None else [
            task_row("1", "price/too_high", "open", assignee="Daria Koval"),
            task_row("2", "trust/reviews", "proposed", task_url=None, task_key=None, tracker_status=None),
            task_row("3", "terms/general", "published", **done),
        ]  # fmt: skip
        effects = (
            effects
            if effects is not None
            else [effect_row("3", "terms/general", "confirmed", MONDAY + timedelta(days=3))]
        )
        batches = batches if batches is not None else [batch_row(s, NOW) for s in ("hubspot", "google_ads", "typeform")]
        texts = [{"status": "classified", "occurred_at": NOW - timedelta(days=3)} for _ in range(40)]
        texts += [{"status": "unclear", "occurred_at": NOW - timedelta(days=3)} for _ in range(7)]
        with open_warehouse(self.settings) as engine:
            with engine.begin() as connection:
                for table, rows in (
                    (objection_table(), usual_weeks() if objections is None else objections),
                    (text_label_table(), texts),
                    (trend_table(), usual_trends() if objections is None else []),
                ):
                    table.drop(connection, checkfirst=True)
                    if table.name not in without:
                        table.create(connection)
                        if rows:
                            connection.execute(insert(table), rows)
                connection.execute(batch.delete())
                connection.execute(batch_outcome.delete())
                if batches:
                    connection.execute(insert(batch), batches)
                    outcome = dict.fromkeys(("new", "changed", "unchanged", "deduplicated", "suppressed"), 0)
                    connection.execute(
                        insert(batch_outcome),
                        [{"batch_id": batches[0]["batch_id"], "landed": 3, "quarantined": 3, **outcome}],
                    )
            mart.mirror_rows(engine, mart.content_task, tasks)
            mart.mirror_rows(engine, mart.effect, effects)
            refresh_quality(engine)
        publish(self.context())

    def configure(self, change: Callable[[dict[str, Any]], None]) -> None:
        """Change people.yml."""
        path = self.settings.config / "people.yml"
        data = yaml.safe_load(path.read_text(encoding="utf-8"))
        change(data)
        path.write_text(yaml.safe_dump(data, allow_unicode=True), encoding="utf-8")


@pytest.fixture
def company(settings: Settings, post: Post, tmp_path: Path) -> Company:
    """The company, published, on DuckDB and SQLite."""
    config = tmp_path / "config"
    config.mkdir()
    for name in ("people.yml", "taxonomy.yml"):
        text = (PROJECT_ROOT / "include" / "config" / name).read_text(encoding="utf-8")
        (config / name).write_text(text, encoding="utf-8")
    company = Company(replace(settings, config=config), post)
    company.fill()
    return company


@pytest.fixture
def rows() -> Any:
    """Row makers: `rows.voices`, `rows.task`, `rows.effect`, `rows.batch`."""
    return SimpleNamespace(voices=voices, task=task_row, effect=effect_row, batch=batch_row, usual_weeks=usual_weeks)


@pytest.fixture(scope="session")
def are_stores_made() -> bool:
    """How they are made is not what these tests are about."""
    return True
