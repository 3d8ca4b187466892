"""The receiver of webhooks in a real Airflow API server: for vendors that sign, without a log-in."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

SECRET = "a secret that only this test signs with"
EVENT = {"action": {"id": "a1", "type": "updateCard", "date": "2026-10-03T11:30:00Z", "data": {"card": {"id": "c1"}}}}


@pytest.fixture(scope="module")
def client(airflow_database: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """Airflow's own application with its plugins, as `airflow api-server` runs it; one hook has no good secret yet."""
    home = tmp_path_factory.mktemp("home")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("REBUTTAL_HOME", str(home))
        patch.setenv("REBUTTAL_STATE_URL", f"sqlite:///{home}/state.sqlite")
        patch.setenv("REBUTTAL_HOOKS_URL", "https://airflow.example/hooks")
        patch.setenv("AIRFLOW_CONN_TRELLO_HOOK", json.dumps({"conn_type": "http", "password": SECRET}))
        patch.setenv("AIRFLOW_CONN_JIRA_HOOK", json.dumps({"conn_type": "http", "password": "short"}))
        patch.setenv(
            "AIRFLOW__API_AUTH__JWT_SECRET", "a-secret-of-the-test-that-is-long-enough-for-hs512-signing-0123456789"
        )
        from airflow.api_fastapi.app import create_app
        from fastapi.testclient import TestClient

        with TestClient(create_app(apps="core"), base_url="http://airflow.example", follow_redirects=False) as client:
            yield client


def tell(client: Any, event: object = EVENT, secret: str = SECRET) -> Any:
    body = json.dumps(event).encode()
    mac = hmac.new(secret.encode(), body + b"https://airflow.example/hooks/trello", hashlib.sha1).digest()
    headers = {"x-trello-webhook": base64.b64encode(mac).decode(), "content-type": "application/json"}
    return client.post("/hooks/trello", content=body, headers=headers)


def kept() -> list[tuple[str | None, int]]:
    from sqlalchemy import select

    from rebuttal.settings import load_settings
    from rebuttal.state import InboxEvent, open_state

    with open_state(load_settings()) as sessions, sessions() as session:
        return [(row.object_id, row.receipt_count) for row in session.scalars(select(InboxEvent))]


def test_the_door_stays_closed_until_every_secret_is_one(client: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from rebuttal_airflow import inbox_app

    closed = tell(client)
    assert closed.status_code == 503
    assert closed.headers["retry-after"] == "60"
    assert client.get("/hooks/health").status_code == 503
    assert kept() == []
    monkeypatch.setenv("AIRFLOW_CONN_JIRA_HOOK", json.dumps({"conn_type": "http", "password": SECRET}))
    monkeypatch.setattr(inbox_app.app, "_not_before", 0.0)
    assert client.get("/hooks/health").json()["hooks"] == ["hubspot", "jira", "trello", "typeform"]
    assert client.post("/hooks/yclients/sandbox-yclients-address-secret", json={}).status_code == 404
    assert [tell(client).status_code for _ in range(2)] == [200, 200]
    assert tell(client, secret="a secret of somebody else, long").status_code == 401
    assert kept() == [("c1", 2)]
    assert client.get("/hooks/trello").status_code == 405
    assert client.head("/hooks/trello").status_code == 200
    assert client.post("/hooks/nobody").status_code == 404
    assert 'rebuttal_inbox_events_total{hook="trello",outcome="repeated"} 1' in client.get("/hooks/metrics").text
