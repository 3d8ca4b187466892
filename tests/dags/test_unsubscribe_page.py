"""The page on which a reader ends a mail, in a real Airflow API server: for holders of our link, without a log-in."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

KEY = "an identity key of the test"


@pytest.fixture(scope="module")
def client(airflow_database: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """Airflow's own application with its plugins, as `airflow api-server` runs it."""
    home = tmp_path_factory.mktemp("home")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("REBUTTAL_HOME", str(home))
        patch.setenv("REBUTTAL_STATE_URL", f"sqlite:///{home}/state.sqlite")
        patch.setenv("REBUTTAL_IDENTITY_KEY", KEY)
        patch.setenv(
            "AIRFLOW__API_AUTH__JWT_SECRET", "a-secret-of-the-test-that-is-long-enough-for-hs512-signing-0123456789"
        )
        from airflow.api_fastapi.app import create_app
        from fastapi.testclient import TestClient

        with TestClient(create_app(apps="core"), base_url="http://airflow.example", follow_redirects=False) as client:
            yield client


def ended() -> set[tuple[str, str]]:
    from rebuttal.reports.unsubscribing import unsubscribed
    from rebuttal.settings import load_settings
    from rebuttal.state import open_state

    with open_state(load_settings()) as sessions:
        return unsubscribed(sessions)


def link(person: str = "kate", kind: str = "daily", key: str = KEY) -> str:
    from rebuttal.reports.unsubscribing import token_of

    return f"/unsubscribe/{person}/{kind}/{token_of(key.encode(), person, kind)}"


def test_opening_the_link_asks_and_the_button_ends_the_mail(client: Any) -> None:
    page = client.get(link())
    assert page.status_code == 200
    assert '<form method="post">' in page.text
    assert "default-src 'none'" in page.headers["content-security-policy"]
    assert "<script" not in page.text
    assert ended() == set(), "a scanner that opens links ends nothing"
    for _ in range(2):
        done = client.post(link(), data={"List-Unsubscribe": "One-Click"})
        assert (done.status_code, "Done" in done.text) == (200, True)
    assert ended() == {("kate", "daily")}


@pytest.mark.parametrize(
    "path",
    [
        link(key="another key of somebody else"),
        link(kind="daily").replace("/daily/", "/digest/"),
        link().replace("/kate/", "/olena/"),
        "/unsubscribe/kate/digest/" + "0" * 40,
        "/unsubscribe/kate/digest/ключ",
        "/unsubscribe/%3Cscript%3E/digest/x",
    ],
)
def test_nobody_can_make_a_link(client: Any, path: str) -> None:
    before = ended()
    for method in ("GET", "POST"):
        answer = client.request(method, path)
        assert answer.status_code == 404
        assert "<script" not in answer.text
    assert ended() == before
