"""The server: what operators and judges use, the faults on the wire, the journal, and the command line."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from time import monotonic, sleep
from typing import Any

import pytest
import requests
from serving import Serve, Served
from small_world import SmallWorld, recorded

from rebuttal.connections import from_environment
from rebuttal.settings import PROJECT_ROOT, load_settings
from sandbox.__main__ import main
from sandbox.bad_rows import ROWS
from sandbox.credentials import credentials
from sandbox.faults import PROFILES, WIRE, Faults, UnknownFault
from sandbox.journal import Journal, JournalError
from sandbox.recorded import ACCOUNTS
from sandbox.spoil import BROKEN_BYTES, HUGE_CHARACTERS, TEXTS, spoil

HUBSPOT = {"Authorization": "Bearer sandbox-hubspot-token"}
JIRA = ("loop@example.com", "sandbox-jira-token")


def deals(served: Served, **query: Any) -> requests.Response:
    address = f"{served.url}/hubspot/crm/v3/objects/deals"
    return requests.get(address, params={"limit": 3, **query}, headers=HUBSPOT, timeout=10)


def new_task(served: Served) -> requests.Response:
    fields = {"project": {"key": "MKT"}, "issuetype": {"name": "Task"}, "summary": "Task", "labels": ["rebuttal"]}
    address = f"{served.url}/jira/rest/api/3/issue"
    return requests.post(address, json={"fields": fields}, auth=JIRA, timeout=10)


def test_a_world_goes_on_with_the_days(serve: Serve) -> None:
    """To where it is told, and no further: a midnight that has passed moves nothing."""
    begun = datetime(2026, 10, 12, tzinfo=UTC)
    midnights = [begun, begun + timedelta(days=1), begun - timedelta(days=1), begun + timedelta(days=400)]
    served = serve(until=lambda: midnights.pop(0) if len(midnights) > 1 else midnights[0])
    last = begun + timedelta(days=400)
    deadline = monotonic() + 30
    while datetime.fromisoformat(served.operate("health")["now"]) != last:
        assert monotonic() < deadline
        sleep(0.02)
    world = served.sandbox.site.world
    assert isinstance(world, SmallWorld)
    assert world.moves == [1.0, 366.0, 33.0]


def test_health_truth_and_counts(served: Served) -> None:
    health = served.operate("health")
    assert health["status"] == "ok"
    assert health["now"] == "2026-10-12T00:00:00+00:00"
    assert set(health["faces"]) == set(ACCOUNTS)
    deals(served)
    deals(served)
    counts = served.operate("requests")
    assert counts["hubspot"] == {"GET /crm/v3/objects/deals": 2}
    assert counts["jira"] == {}
    assert "GET /_sandbox/truth" not in counts["_sandbox"]
    assert served.operate("truth")["secret"] == "who is whom"
    assert served.operate("requests")["_sandbox"]["GET /_sandbox/truth"] == 1


def test_the_world_moves_when_told(served: Served) -> None:
    assert served.operate("advance", {"days": 1.5})["now"] == "2026-10-13T12:00:00+00:00"
    for wrong in ({"days": 0}, {"days": -1}, {"days": "7"}, {"days": True}, {"days": 4000}, {}):
        refused = requests.post(f"{served.url}/_sandbox/advance", json=wrong, timeout=10)
        assert refused.status_code == 400
    assert requests.post(f"{served.url}/_sandbox/advance", data="{", timeout=10).status_code == 400
    assert served.operate("health")["now"] == "2026-10-13T12:00:00+00:00"


@pytest.mark.parametrize(
    ("kind", "status", "holds"),
    [
        ("throttle", 429, "policyName"),
        ("throttle_bare", 429, "policyName"),
        ("unauthorized", 401, "EXPIRED_AUTHENTICATION"),
        ("error_500", 500, "internal error"),
        ("error_502", 502, "<html>"),
        ("error_503", 503, "<html>"),
        ("error_page", 200, "<html>"),
        ("empty", 200, ""),
    ],
)
def test_faults_that_are_answers(served: Served, kind: str, status: int, holds: str) -> None:
    served.fault("hubspot", kind)
    faulty = deals(served)
    assert faulty.status_code == status
    assert holds in faulty.text
    assert ("Retry-After" in faulty.headers) == (kind == "throttle")
    if kind == "empty":
        assert faulty.content == b""
    assert len(deals(served).json()["results"]) == 3, "struck once only"
    told = served.operate("faults")["injected"]
    assert [(fault["kind"], fault["number"]) for fault in told] == [(kind, 1)]
    assert served.operate("truth")["faults"] == told


@pytest.mark.parametrize("kind", ["cut_length", "cut_chunk", "reset"])
def test_faults_that_break_the_connection(served: Served, kind: str, caplog: pytest.LogCaptureFixture) -> None:
    served.operate("faults", {"values": {"huge_text": 1}})
    served.fault("hubspot", kind, 2)
    with pytest.raises(requests.RequestException):
        deals(served)
    with pytest.raises(requests.RequestException):
        requests.get(f"{served.url}/hubspot/crm/v3/objects/notes?properties=hs_note_body", headers=HUBSPOT, timeout=30)
    assert len(deals(served).json()["results"]) == 3
    assert not caplog.records, "the server takes no offence"


def test_a_cut_body_holds_less_than_it_promised(served: Served) -> None:
    served.fault("hubspot", "cut_length")
    with socket.create_connection(("127.0.0.1", int(served.url.rsplit(":", 1)[1])), timeout=10) as connection:
        lines = ["GET /hubspot/crm/v3/owners HTTP/1.1", "Host: x", f"Authorization: {HUBSPOT['Authorization']}", "", ""]
        connection.sendall("\r\n".join(lines).encode())
        received = b"".join(iter(lambda: connection.recv(65536), b""))
    head, _, body = received.partition(b"\r\n\r\n")
    promised = int(re.search(rb"content-length: (\d+)", head)[1])  # type: ignore[index]
    assert 0 < len(body) < promised


def test_a_lost_answer_was_accepted(served: Served) -> None:
    served.fault("jira", "lost_answer")
    search = f"{served.url}/jira/rest/api/3/search/jql"
    found = requests.get(search, params={"jql": "labels = rebuttal"}, auth=JIRA, timeout=10)
    assert found.json()["issues"] == [], "reads are not struck by it"
    with pytest.raises(requests.ConnectionError):
        new_task(served)
    found = requests.get(search, params={"jql": "labels = rebuttal"}, auth=JIRA, timeout=10)
    assert [issue["id"] for issue in found.json()["issues"]] == ["10000"]


def test_a_reset_write_was_not_done(served: Served) -> None:
    served.fault("jira", "reset")
    with pytest.raises(requests.ConnectionError):
        new_task(served)
    assert new_task(served).json()["key"] == "MKT-1"


def test_a_page_comes_twice(served: Served) -> None:
    served.operate("faults", {"next": [{"face": "hubspot", "kind": "duplicate_page", "path": "deals"}] * 2})
    ids, after = [], None
    for _ in range(10):
        page = deals(served, **({"after": after} if after else {})).json()
        ids += [deal["id"] for deal in page["results"]]
        if "paging" not in page:
            break
        after = page["paging"]["next"]["after"]
    assert ids == [f"50{n}" for n in (1, 2, 3, 1, 2, 3, 4, 5, 6, 7, 8, 9)]


def test_a_slow_answer_is_true(served: Served) -> None:
    served.operate("faults", {"values": {"slow_s": 3}, "next": [{"face": "hubspot", "kind": "slow"}]})
    with pytest.raises(requests.ReadTimeout):
        requests.get(f"{served.url}/hubspot/crm/v3/owners", headers=HUBSPOT, timeout=0.3)
    assert len(deals(served).json()["results"]) == 3


def test_broken_bytes_reach_the_wire(served: Served) -> None:
    served.operate("faults", {"values": {"broken_utf8": 1}})
    address = f"{served.url}/hubspot/crm/v3/objects/notes?properties=hs_note_body"
    body = requests.get(address, headers=HUBSPOT, timeout=10).content
    assert body.count(BROKEN_BYTES) == 1
    with pytest.raises(UnicodeDecodeError):
        body.decode()
    served.operate("faults", {"profile": "none"})
    assert len(requests.get(address, headers=HUBSPOT, timeout=10).json()["results"]) == 6


def test_text_faults_change_one_note_each() -> None:
    true = recorded()
    faulty, struck = spoil(true, frozenset(TEXTS))
    bodies = [note.properties["hs_note_body"] or "" for note in faulty.crm["notes"]]
    assert sum(len(body) == HUGE_CHARACTERS for body in bodies) == 1
    assert sum("<script>" in body for body in bodies) == 1
    changed = {a.id for a, b in zip(true.crm["notes"], faulty.crm["notes"], strict=True) if a != b}
    assert {row["id"] for row in struck} == changed
    assert len(changed) == 3
    assert spoil(true, frozenset()) == (true, [])
    assert spoil(true, frozenset())[0] is true


def test_bad_rows_are_told_with_the_truth(served: Served) -> None:
    assert served.operate("truth")["bad_rows"] == []
    served.operate("faults", {"values": {"negative_amount": 1}})
    (told, *more) = served.operate("truth")["bad_rows"]
    assert (told["stream"], told["kind"], told["end"]) == ("deals", "negative_amount", "quarantined")
    address = f"{served.url}/hubspot/crm/v3/objects/deals/{told['id']}?properties=amount"
    assert requests.get(address, headers=HUBSPOT, timeout=10).json()["properties"]["amount"] == "-500"
    ids = [row["id"] for row in (told, *more)]
    assert len(set(ids)) == len(ids) <= ROWS


def test_faults_are_drawn_by_seed_and_request_number() -> None:
    def drawn(seed: int) -> list[str | None]:
        faults = Faults(seed, "hostile")
        return [faults.draw("ga4", n, "POST", "/x", str(n), False) for n in range(1, 400)]

    assert drawn(1) == drawn(1)
    assert drawn(1) != drawn(2)
    kinds = {kind for kind in drawn(1) if kind}
    assert kinds == set(WIRE) - {"lost_answer", "unauthorized"}, "only writes have answers to lose"


def test_a_patient_client_gets_through() -> None:
    faults = Faults(1, "none")
    faults.set_values({"error_500": 0.99})
    kinds = [faults.draw("ga4", number, "POST", "/x", "same", False) for number in range(1, 200)]
    gaps = "".join("." if kind is None else "x" for kind in kinds).split(".")
    assert max(len(gap) for gap in gaps) == 3
    faults.set_values({"error_500": 1})
    assert {faults.draw("ga4", number, "POST", "/x", "same", False) for number in range(200, 250)} == {"error_500"}


def test_unknown_faults_are_refused(served: Served) -> None:
    for wrong in (
        {"profile": "nice"},
        {"values": {"nonsense": 1}},
        {"values": {"reset": 2}},
        {"next": [{"face": "jira", "kind": "nonsense"}]},
        {"next": [{"kind": "reset"}]},
        {"rates": {}},
        {"next": 3},
    ):
        refused = requests.post(f"{served.url}/_sandbox/faults", json=wrong, timeout=10)
        assert refused.status_code == 400, wrong
        assert refused.json()["error"]
    with pytest.raises(UnknownFault):
        Faults(1, "nice")
    assert set(PROFILES) == {"none", "bad_rows", "mild", "hostile"}


def test_a_profile_can_be_served(serve: Serve) -> None:
    served = serve(profile="hostile")
    assert served.operate("health")["faults"] == "hostile"
    assert served.operate("faults")["values"]["jira_index_lag_s"] == 5


def test_a_journal_has_one_owner_and_refuses_what_it_did_not_write(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    path.write_text("not json\n")
    with pytest.raises(JournalError, match=r"journal\.jsonl:1"):
        list(Journal(path).replay())
    owner = Journal(tmp_path / "other.jsonl")
    with pytest.raises(JournalError, match="in use"):
        Journal(tmp_path / "other.jsonl")
    owner.close()


def test_credentials_agree_with_the_default_configuration(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    url = "http://127.0.0.1:4321"
    settings = load_settings({"REBUTTAL_HOME": str(tmp_path), "REBUTTAL_SANDBOX_URL": url})
    resolve = from_environment(settings, {})
    told = credentials(url)
    assert len(told) == 9
    for vendor, needed in told.items():
        connection = resolve(vendor.replace("-", "_"))
        assert connection.host == needed["base_url"] == f"{url}/{vendor}"
        both = f"{needed.get('partner_token')}, User {needed.get('user_token')}"  # YCLIENTS wants two
        assert connection.secret() == needed.get("access_token", needed.get("api_token", both))
        assert connection.login == needed.get("email", needed.get("api_key", ""))
        for name, value in connection.extra.items():
            assert needed[name] == str(value)


def test_the_credentials_command_says_where(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REBUTTAL_SANDBOX_URL", "http://box.example:1/")
    assert main(["credentials", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["jira"] == {
        "base_url": "http://box.example:1/jira",
        "email": "loop@example.com",
        "api_token": "sandbox-jira-token",
        "project": "MKT",
    }
    assert main(["credentials", "--json", "--port", "5555"]) == 0
    assert json.loads(capsys.readouterr().out)["ga4"]["base_url"] == "http://127.0.0.1:5555/ga4"


def test_the_truth_command_asks_the_running_server(
    served: Served, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REBUTTAL_SANDBOX_URL", served.url)
    assert main(["truth", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["secret"] == "who is whom"
    monkeypatch.setenv("REBUTTAL_SANDBOX_URL", "http://127.0.0.1:1")
    assert main(["truth", "--json"]) == 2
    assert capsys.readouterr().err.count("\n") == 1


def test_killed_and_started_again_it_goes_on_where_it_was(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    command = [sys.executable, "-m", "sandbox", "serve", "--seed", "3", "--weeks", "2", "--scale", "0.05"]
    command += ["--port", str(port)]
    env = {**os.environ, "REBUTTAL_HOME": str(tmp_path)}
    asked: list[Any] = []
    for extra in (["--until", "2026-09-30"], []):
        process = subprocess.Popen([*command, *extra], stdout=subprocess.PIPE, text=True, env=env, cwd=PROJECT_ROOT)
        try:
            assert process.stdout is not None
            assert process.stdout.readline().startswith(f"Sandbox ready at {url} ")
            fields = {"project": {"key": "MKT"}, "issuetype": {"name": "Task"}, "summary": "Answer: price"}
            if extra:
                task = {"fields": {**fields, "labels": ["objection-price"]}}
                made = requests.post(f"{url}/jira/rest/api/3/issue", json=task, auth=JIRA, timeout=10)
                assert made.status_code == 201
                assert requests.post(f"{url}/_sandbox/advance", json={"days": 21}, timeout=60).status_code == 200
            health = requests.get(f"{url}/_sandbox/health", timeout=10).json()
            issue = requests.get(f"{url}/jira/rest/api/3/issue/MKT-1", auth=JIRA, timeout=10).json()
            search = f"{url}/hubspot/crm/v3/objects/deals/search"
            deal_count = requests.post(search, json={"limit": 1}, headers=HUBSPOT, timeout=10).json()["total"]
            asked.append((health, issue, deal_count))
        finally:
            process.send_signal(signal.SIGKILL)
            process.wait(30)
    assert asked[0][0]["now"] == "2026-10-22T00:00:00+00:00"
    assert asked[0] == asked[1]


def test_started_on_a_later_day_the_company_has_gone_on(tmp_path: Path) -> None:
    """And stays there: what it did meanwhile is in the journal."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    midnight = datetime.combine(datetime.now(UTC).date(), time(), UTC)
    last_day = str((midnight - timedelta(days=4)).date())  # the world stands at the end of it, three days ago
    address = f"http://127.0.0.1:{port}/_sandbox/health"
    command = [sys.executable, "-m", "sandbox", "serve", "--seed", "3", "--weeks", "2", "--scale", "0.05"]
    command += ["--until", last_day, "--port", str(port), "--state", str(tmp_path)]
    found = []
    for extra in ([], ["--goes-on"], []):
        process = subprocess.Popen([*command, *extra], stdout=subprocess.PIPE, text=True, cwd=PROJECT_ROOT)
        try:
            assert process.stdout is not None
            assert process.stdout.readline().startswith("Sandbox ready")
            found.append(datetime.fromisoformat(requests.get(address, timeout=10).json()["now"]))
        finally:
            process.send_signal(signal.SIGKILL)
            process.wait(30)
    assert found[0] == midnight - timedelta(days=3)
    assert midnight <= found[1] <= midnight + timedelta(days=1), "by whichever midnight it was"
    assert found[1] == found[2]


def test_a_taken_port_is_one_clear_line(served: Served) -> None:
    port = served.url.rsplit(":", 1)[1]
    done = subprocess.run(
        [sys.executable, "-m", "sandbox", "serve", "--port", port],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        cwd=PROJECT_ROOT,
    )
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert f"127.0.0.1:{port}" in done.stderr


@pytest.mark.parametrize("loss", ["1.2", "-0.1"])
def test_consent_lost_is_a_share(loss: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["serve", f"--consent-loss={loss}"]) == 2
    told = capsys.readouterr().err
    assert told.count("\n") == 1
    assert f"not {loss}" in told
