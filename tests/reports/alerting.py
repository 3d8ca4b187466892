"""A company in which things go wrong, with a reader and a webhook that both want to be told."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import yaml
from sqlalchemy import insert, select

from rebuttal import reports
from rebuttal.clock import Clock
from rebuttal.connections import Connection
from rebuttal.context import Context
from rebuttal.settings import PROJECT_ROOT, Settings
from rebuttal.state import AlertDelivery, open_state
from rebuttal.warehouse import open_warehouse
from rebuttal.warehouse.publish import publish_quality
from rebuttal.warehouse.tables import audit_result, batch, check_result, quarantine

NOW = datetime(2026, 11, 16, 9, tzinfo=UTC)
SECRET = "/T000/B000/a-secret-path"


@dataclass
class Channel:
    """An incoming webhook's server. `answers` are given instead of 200."""

    received: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    answers: list[int] = field(default_factory=list)
    server: Any = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.server_port}"


@pytest.fixture
def channel() -> Iterator[Channel]:
    """A real HTTP server on a free port. Answer 0 means: take the message and say nothing."""
    found = Channel()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["content-length"])))
            code = found.answers.pop(0) if found.answers else 200
            if code in (0, 200, 502):
                found.received.append((self.path, body))
            if code:
                self.send_response(code)
                self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    found.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=found.server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    yield found
    found.server.shutdown()
    found.server.server_close()
    thread.join()


@dataclass(frozen=True)
class Loud:
    """A company in which things go wrong, with a reader and a webhook."""

    settings: Settings
    post: Any
    channel: Channel

    def context(self, now: datetime = NOW) -> Context:
        smtp = {
            "host": "127.0.0.1",
            "port": self.post.controller.server.sockets[0].getsockname()[1],
            "extra": {"disable_tls": True, "disable_ssl": True, "from_email": "loop@example.com"},
        }
        made = {"smtp": smtp, "alerts_webhook": {"host": self.channel.url, "password": SECRET}}
        return Context(self.settings, Clock(now), lambda name: Connection(name, **made[name]), b"0123456789abcdef")

    def tell(self, now: datetime = NOW) -> Any:
        return reports.run(self.context(now), "alerts")

    def configure(self, **values: Any) -> None:
        path = self.settings.config / "people.yml"
        data = yaml.safe_load(path.read_text(encoding="utf-8"))
        for key, value in values.items():
            data[key] = {**data[key], **value} if isinstance(value, dict) else value
        path.write_text(yaml.safe_dump(data, allow_unicode=True), encoding="utf-8")

    def land(self, number: int, status: str = "admitted", checks: tuple[dict[str, Any], ...] = ()) -> None:
        """One batch, landed `number` hours after a fixed moment, with the results of its checks."""
        with open_warehouse(self.settings) as engine:
            with engine.begin() as connection:
                connection.execute(
                    insert(batch).values(
                        batch_id=f"b{number}",
                        sequence=number,
                        source="yandex_metrica",
                        stream="visits",
                        entity="visit",
                        account_id="a",
                        kind="live",
                        row_count=100,
                        content_hash="h",
                        landed_at=NOW - timedelta(days=3) + timedelta(hours=number),
                        status=status,
                    )
                )
                for check in checks:
                    connection.execute(insert(check_result).values(batch_id=f"b{number}", **check))
            publish_quality(self.settings, engine)

    def keep_out(self, number: int, rows: int) -> None:
        values = [
            {
                "batch_id": f"b{number}",
                "row_number": row,
                "entity": "visit",
                "source": "yandex_metrica",
                "stream": "visits",
                "reason": "Every value is of its column's type",
                "check_name": "values_readable",
                "reasons": "[]",
                "raw": "{}",
                "status": "quarantined",
            }
            for row in range(rows)
        ]
        with open_warehouse(self.settings) as engine:
            with engine.begin() as connection:
                connection.execute(insert(quarantine), values)
            publish_quality(self.settings, engine)

    def audit(self, name: str, sequence: int, failed: int, severity: str = "warning", *examples: str) -> None:
        values = result(name, failed, severity, *examples)
        with open_warehouse(self.settings) as engine:
            with engine.begin() as connection:
                connection.execute(insert(audit_result).values({**values, "sequence": sequence}))
            publish_quality(self.settings, engine)

    def states(self) -> dict[tuple[str, str], str]:
        with open_state(self.settings) as sessions, sessions() as session:
            return {(row.channel, row.day): row.state for row in session.scalars(select(AlertDelivery))}


def result(name: str, failed: int, severity: str = "warning", *examples: str) -> dict[str, Any]:
    return {
        "entity": "visit",
        "check_name": name,
        "severity": severity,
        "description": f"What {name} asks",
        "next_step": f"Look at {name}",
        "is_passed": failed == 0,
        "row_count": 100,
        "failed_count": failed,
        "examples": json.dumps(examples) if examples else None,
    }


@pytest.fixture
def loud(any_settings: Settings, request: pytest.FixtureRequest, post: Any, channel: Channel, tmp_path: Path) -> Loud:
    """On both engines, the state store with them; kate reads mail, and a webhook is named."""
    config = tmp_path / "config"
    config.mkdir()
    for name in ("people.yml", "taxonomy.yml"):
        words = (PROJECT_ROOT / "include" / "config" / name).read_text(encoding="utf-8")
        (config / name).write_text(words, encoding="utf-8")
    if any_settings.warehouse_url.startswith("postgres"):
        any_settings = replace(any_settings, state_url=request.getfixturevalue("postgres_url")())
    loud = Loud(replace(any_settings, config=config), post, channel)
    room = {"kind": "webhook", "connection": "alerts_webhook", "tells": ["alerts"]}
    loud.configure(alerts={"page": "https://airflow.example/quality/"}, channels=[room])
    return loud


def trouble(loud: Loud) -> None:
    """A held batch, an alarm, rows kept out, an unmapped word, spend without tags, and a new warning."""
    loud.land(1, checks=(result("device_known", 0), result("duration_sane", 0), result("client_known", 4, "warning")))
    checks = (
        result("volume_usual", 100, "hold", "100 rows a day, usually 2"),
        result("device_known", 3, "warning", "row 1: unknown:fridge"),
        result("duration_sane", 7, "warning", "row 2: 99999"),
        result("client_known", 4, "warning"),
    )
    loud.land(2, "held", checks)
    loud.keep_out(1, 12)
    loud.audit("deals_without_contact", 2, 9, "alarm")
    loud.audit("spend_without_tagged_visits", 2, 5, "warning", "google-ads brand: EUR 120")
