"""Every route that our plugins mount in Airflow, walked one by one: who may, what others get, and with which headers.

A route that is not in ROUTES fails the first test: whoever adds one says here who may call it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from tests.faults.table import fault

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE")
LOGIN, LINK = "Airflow's log-in", "the keyed link of a mail"


@dataclass(frozen=True)
class Route:
    """`asked`: an address that it answers. `refusal`: what one gets without the right, by status."""

    access: str
    asked: str
    refusal: int


ROUTES = {
    ("/quality/", "GET"): Route(LOGIN, "/quality/", 401),
    ("/quality/open", "GET"): Route(LOGIN, "/quality/open", 401),
    ("/quality/docs/{path:path}", "GET"): Route(LOGIN, "/quality/docs/index.html", 401),
    ("/unsubscribe/{person_id}/{kind}/{token}", "GET"): Route(LINK, "/unsubscribe/kate/daily/00ff", 404),
    ("/unsubscribe/{person_id}/{kind}/{token}", "POST"): Route(LINK, "/unsubscribe/kate/daily/00ff", 404),
}
# The receiver is no framework's application: its routes, methods and refusals are walked in tests/inbox/test_wire.py.
WALKED_ELSEWHERE = {"/hooks"}
PREFIXES = {key[0].split("/")[1] for key in ROUTES}


@pytest.fixture(scope="module")
def client(airflow_database: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """Airflow's own application with its plugins, asked by nobody who is known."""
    home = tmp_path_factory.mktemp("home")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("REBUTTAL_HOME", str(home))
        patch.setenv("REBUTTAL_STATE_URL", f"sqlite:///{home}/state.sqlite")
        patch.setenv("REBUTTAL_IDENTITY_KEY", "an identity key of the test")
        patch.setenv(
            "AIRFLOW__API_AUTH__JWT_SECRET", "a-secret-of-the-test-that-is-long-enough-for-hs512-signing-0123456789"
        )
        from airflow.api_fastapi.app import create_app
        from fastapi.testclient import TestClient

        with TestClient(create_app(apps="core"), base_url="http://airflow.example", follow_redirects=False) as client:
            yield client


def test_every_route_is_listed() -> None:
    from rebuttal_airflow.plugin import RebuttalPlugin

    mounted = set()
    for entry in RebuttalPlugin.fastapi_apps:
        if entry["url_prefix"] in WALKED_ELSEWHERE:
            continue
        app = import_module(entry["app"]._module).app
        for route in app.routes:
            methods = getattr(route, "methods", None) or {"MOUNTED"}
            mounted |= {(entry["url_prefix"] + route.path, method) for method in methods - {"HEAD"}}
    assert mounted == set(ROUTES)
    other = ("flask_blueprints", "appbuilder_views", "fastapi_root_middlewares", "react_apps", "macros", "listeners")
    assert {name: getattr(RebuttalPlugin, name, []) for name in other} == {name: [] for name in other}


def is_harmless(answer: Any) -> None:
    """No trace, no path of ours, nothing that a browser would run, keep, frame or guess the kind of."""
    for word in ("Traceback", "site-packages", "rebuttal/", "sqlite", 'File "'):
        assert word not in answer.text
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["referrer-policy"] in ("same-origin", "no-referrer")
    assert "Max-Age=0" in answer.headers.get("set-cookie", "Max-Age=0")  # a cookie may be taken away, none is set


@fault(
    140, "every method of every route without a right to it", "page", "401, 404 or 405, with headers, without a trace"
)
@pytest.mark.parametrize("path", sorted({route.asked for route in ROUTES.values()}))
@pytest.mark.parametrize("method", METHODS)
def test_without_the_right_each_method_of_each_route_is_refused(client: Any, path: str, method: str) -> None:
    known = {key[1]: route for key, route in ROUTES.items() if route.asked == path}
    answer = client.request(method, path, headers={"Accept": "application/json"})
    assert answer.status_code == (known[method].refusal if method in known else 405)
    is_harmless(answer)


@pytest.mark.parametrize("prefix", sorted(PREFIXES))
@pytest.mark.parametrize(
    "rest", ["nothing/here", "docs", "openapi.json", "redoc", "%2e%2e/%2e%2e/etc/passwd", "%00",
             "docs/%2e%2e/%2e%2e/state.sqlite", "..%5c..%5cwindows", "x" * 5000],
)  # fmt: skip
def test_nothing_else_answers_below_our_prefixes(client: Any, prefix: str, rest: str) -> None:
    answer = client.get(f"/{prefix}/{rest}", headers={"Accept": "application/json"})
    assert answer.status_code in (307, 401, 404)
    assert "root:" not in answer.text
    if answer.status_code == 307:  # the slash at the end, on our own host
        assert urlsplit(answer.headers["location"]).hostname == "airflow.example"
    else:
        assert "Traceback" not in answer.text


@pytest.mark.parametrize(
    "credentials",
    [
        {"Authorization": "Bearer eyJhbGciOiJub25lIn0.eyJzdWIiOiIxIn0."},
        {"Authorization": "Bearer x"},
        {"Authorization": "Basic YWRtaW46YWRtaW4="},
        {"Cookie": "_token=eyJhbGciOiJub25lIn0.eyJzdWIiOiIxIn0."},
        {"X-Forwarded-User": "admin", "Remote-User": "admin"},
    ],
)
def test_made_up_credentials_open_nothing(client: Any, credentials: dict[str, str]) -> None:
    for route in ROUTES.values():
        if route.access == LOGIN:
            answer = client.get(route.asked, headers={"Accept": "application/json", **credentials})
            assert answer.status_code in (401, 403)
            is_harmless(answer)


@pytest.mark.parametrize("asked", ["/quality/", "/quality//evil.example/", "/quality/docs/https://evil.example/"])
def test_the_way_to_the_log_in_leads_nowhere_else(client: Any, asked: str) -> None:
    """A browser is sent to Airflow's own log-in, and from there back to our page: whatever host it says it asked."""
    answer = client.get(
        asked, headers={"Accept": "text/html", "Host": "evil.example", "X-Forwarded-Host": "evil.example"}
    )
    assert answer.status_code in (307, 404)
    if answer.status_code == 307:
        to = urlsplit(answer.headers["location"])
        assert to.hostname != "evil.example"
        for back in parse_qs(to.query).get("next", []):
            assert back.startswith("/quality/")


def test_another_site_can_make_nobody_do_anything(client: Any) -> None:
    """The only route that changes something takes no cookie: its link is the key, which a foreign page has not."""
    changing = {key for key in ROUTES if key[1] not in ("GET", "HEAD")}
    assert changing == {key for key, route in ROUTES.items() if route.access == LINK and key[1] == "POST"}
    answer = client.post(
        "/unsubscribe/kate/daily/00ff", headers={"Origin": "https://evil.example", "Cookie": "_token=anything"}
    )
    assert answer.status_code == 404
    assert "access-control-allow-origin" not in answer.headers
