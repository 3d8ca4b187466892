"""The data-quality page in a real Airflow API server: for people who are logged in, and for nobody else."""

from __future__ import annotations

import ast
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path.append(str(ROOT / "tests" / "quality"))
USER, PASSWORD = "reader", "a password of the test"
PAGES = (
    "/quality/",
    "/quality/open",
    "/quality/docs/",
    "/quality/docs/index.html",
    "/quality/docs/expectations/deal.html",
)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with published results and drawn pages, with hostile values among the rows."""
    from landed import context, land, row

    from rebuttal import quality
    from rebuttal.quality.data_docs import build
    from rebuttal.settings import Settings

    home = tmp_path_factory.mktemp("home")
    config = ROOT / "include" / "config"
    settings = Settings(home, config, "", f"duckdb:///{home}/warehouse.duckdb", f"sqlite:///{home}/state.sqlite")
    land(
        settings,
        "hubspot.deals",
        [row("hubspot.deals"), row("hubspot.deals", deal_id="5", currency="<script>steal()</script>")],
    )
    visits = [
        row("yandex_metrica.visits", visit_id=str(number), device="call +380 67 123 45 67") for number in range(2)
    ]
    land(
        settings, "yandex_metrica.visits", [*visits, row("yandex_metrica.visits", visit_id="9", device="<b>fridge</b>")]
    )
    land(settings, "hubspot.owners", [row("hubspot.owners")], row_count=2)
    assert len(quality.run(context(settings)).problems) == 1
    assert build(settings).counts["pages"] == 4
    (home / "secret.html").write_text("a secret of the house", encoding="utf-8")
    return home


@pytest.fixture(scope="module")
def client(airflow_database: Path, home: Path) -> Iterator[Any]:
    """Airflow's own application with its plugins, as `airflow api-server` runs it."""
    passwords = airflow_database / "passwords.json"
    passwords.write_text(json.dumps({USER: PASSWORD}), encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("REBUTTAL_HOME", str(home))
        patch.setenv("AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS", f"{USER}:viewer")
        patch.setenv("AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE", str(passwords))
        patch.setenv(
            "AIRFLOW__API_AUTH__JWT_SECRET", "a-secret-of-the-test-that-is-long-enough-for-hs512-signing-0123456789"
        )
        from airflow.api_fastapi.app import create_app
        from fastapi.testclient import TestClient

        with TestClient(create_app(apps="core"), base_url="http://airflow.example", follow_redirects=False) as client:
            yield client


@pytest.fixture(scope="module")
def token(client: Any) -> str:
    answer = client.post("/auth/token", json={"username": USER, "password": PASSWORD})
    assert answer.status_code == 201, answer.text
    return str(answer.json()["access_token"])


def get(client: Any, path: str, token: str = "", **headers: str) -> Any:
    client.cookies.clear()
    return client.get(path, headers={**({"cookie": f"_token={token}"} if token else {}), **headers})


@pytest.mark.parametrize("path", [*PAGES, "/quality/docs/data_docs.css", "/quality/docs/none.html", "/quality/none"])
def test_without_a_session_there_is_nothing_to_see(client: Any, path: str) -> None:
    assert get(client, path).status_code in (401, 404)
    assert get(client, path, "a.forged.token").status_code in (401, 403, 404)
    assert get(client, path, authorization="Bearer nonsense").status_code in (401, 403, 404)
    for answer in (get(client, path), get(client, path, "a.forged.token")):
        assert "deal" not in answer.text


@pytest.mark.parametrize("path", PAGES)
def test_a_browser_without_a_session_is_sent_to_the_log_in_and_back(client: Any, path: str) -> None:
    answer = get(client, path, accept="text/html,*/*")
    assert answer.status_code in (302, 307)
    assert "login" in answer.headers["location"]
    assert path.strip("/").replace("/", "%2F") in answer.headers["location"]


@pytest.mark.parametrize("path", PAGES)
def test_with_a_session_the_page_is_shown_and_runs_nothing(client: Any, token: str, path: str) -> None:
    answer = get(client, path, token)
    assert (answer.status_code, answer.headers["content-type"]) == (200, "text/html; charset=utf-8")
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "script-src" not in policy
    assert "<script" not in answer.text.lower()
    assert "http://" not in answer.text.replace("http://airflow.example", "")
    assert "https://" not in answer.text


def test_the_page_says_what_is_wrong_in_words(client: Any, token: str) -> None:
    page = get(client, "/quality/", token).text
    for words in (
        "All rows that the batch says it has are in the landing table",
        "amount carries the code of a currency that exists",
        "device is a word that we know",
        "Where every landed row ended",
        "&lt;b&gt;fridge&lt;/b&gt;",
    ):
        assert words in page
    assert "123 45 67" not in page, "what looks like a number of a person is not shown"


def test_what_stands_open_is_listed_with_what_it_touches_and_what_to_do(client: Any, token: str) -> None:
    page = get(client, "/quality/open", token).text
    for words in (
        "Held batches: readers see the last good data (1)",
        "All rows that the batch says it has are in the landing table",
        "reach, channels, journeys, attribution",
        "yandex_metrica.visits",
        "Data that has not come",
        "&lt;b&gt;fridge&lt;/b&gt;",
    ):
        assert words in page, words
    assert "123 45 67" not in page, "what looks like a number of a person is not shown"


def test_the_docs_name_the_stream_the_examples_and_what_to_do(client: Any, token: str, home: Path) -> None:
    pages = json.loads((home / "data_docs" / "pages.json").read_text(encoding="utf-8"))["pages"]
    page = get(client, f"/quality/docs/{pages['yandex_metrica.visits 24601337']}", token).text
    for words in (
        "yandex_metrica.visits 24601337",
        "device is a word that we know",
        "What to do: Decide what the new word means",
        "Example: row 2: unknown:&lt;b&gt;fridge&lt;/b&gt;",
        "3 of 3 rows",
    ):
        assert words in page
    assert "<b>fridge" not in page
    assert "123 45 67" not in page


def test_every_link_of_the_page_and_of_the_docs_leads_somewhere(client: Any, token: str) -> None:
    import re
    from urllib.parse import urljoin

    seen, ahead = set(), ["/quality/"]
    while ahead:
        path = ahead.pop()
        seen.add(path)
        answer = get(client, path, token)
        assert answer.status_code == 200, path
        found = re.findall(r"(?:href|src)=\"([^\"#]+)[\"#]", answer.text) if answer.text.startswith("<!DOCTYPE") else []
        ahead += {urljoin(path, link) for link in found} - seen - set(ahead)
    assert len(seen) >= 10  # both pages, the index, the style sheet, three suites, three streams
    assert all(path.startswith("/quality/") for path in seen)


@pytest.mark.parametrize(
    "path",
    [
        "../secret.html", "..%2fsecret.html", "%2e%2e/secret.html", "%2e%2e%2fsecret.html", "....//secret.html",
        "..%5csecret.html",
        "pages.json", "expectations/../../secret.html", "%00", "index.html%00.html",
    ],
)  # fmt: skip
def test_nothing_outside_the_folder_is_served(client: Any, token: str, home: Path, path: str) -> None:
    answer = get(client, f"/quality/docs/{path}", token)
    assert answer.status_code == 404
    assert "secret of the house" not in answer.text
    absolute = get(client, f"/quality/docs/{home}/secret.html", token)
    assert absolute.status_code == 404


def test_a_link_out_of_the_folder_is_not_followed(client: Any, token: str, home: Path) -> None:
    link = home / "data_docs" / "out.html"
    link.symlink_to(home / "secret.html")
    try:
        assert get(client, "/quality/docs/out.html", token).status_code == 404
    finally:
        link.unlink()


def test_only_reading_is_possible(client: Any, token: str) -> None:
    for method in ("POST", "PUT", "DELETE"):
        assert client.request(method, "/quality/", headers={"cookie": f"_token={token}"}).status_code == 405


def test_airflow_lists_the_page_in_its_navigation(client: Any, token: str) -> None:
    answer = client.get("/api/v2/plugins", headers={"authorization": f"Bearer {token}"})
    assert answer.status_code in (200, 403)
    from airflow.plugins_manager import get_fastapi_plugins

    assert "/quality" in [app["url_prefix"] for app in get_fastapi_plugins()[0]]


def test_the_plugin_module_imports_nothing_heavy() -> None:
    tree = ast.parse((ROOT / "plugins" / "rebuttal_airflow" / "plugin.py").read_text(encoding="utf-8"))
    top = [node for node in tree.body if isinstance(node, ast.Import | ast.ImportFrom)]
    modules = {node.module if isinstance(node, ast.ImportFrom) else node.names[0].name for node in top}
    assert modules == {"__future__", "collections.abc", "importlib", "os", "typing", "airflow.plugins_manager"}
    ignored = (ROOT / "plugins" / ".airflowignore").read_text(encoding="utf-8").split()
    assert {"inbox_app.py", "quality_app.py", "unsubscribe_app.py"} <= set(ignored), (
        "Airflow would import the page in every task"
    )
