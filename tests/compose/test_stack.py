"""The production shape for real: the loop turns in it, every service is killed, and nothing is lost or doubled.

Run by `make compose-test`; everywhere else it is skipped with the reason. The world is small; starting takes the time.
"""

from __future__ import annotations

import base64
import json
import re
import subprocess
import time
from collections import Counter
from collections.abc import Collection, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import requests
from bench.compare import differences
from tests.compose.stack import ROOT, Stack, say, until, why_not

pytestmark = pytest.mark.skipif(why_not() is not None, reason=why_not() or "")

# It ends yesterday, as its clock and ours have to agree: a vendor refuses to tell of days that have not been there.
UNTIL = (datetime.now(UTC) - timedelta(days=1)).date().isoformat()
WORLD = {"SEED": "7", "WEEKS": "4", "SCALE": "0.4", "UNTIL": UNTIL}
# The order in which they are killed while the loop turns; those that the loop leans on most come while it is busiest.
KILLED = (
    "worker", "redis", "scheduler", "postgres", "api-server", "sandbox", "dag-processor", "triggerer", "receiver",
    "superset", "mailbox",
)  # fmt: skip
# What happens while these die has to be heard of all the same.
WHILE_A_DEAL_IS_LOST = {"worker", "redis", "scheduler", "postgres", "api-server", "sandbox", "receiver"}
# A second home, which nobody disturbs, with the same vendors.
REFERENCE = {
    "REBUTTAL_HOME": "/var/lib/rebuttal/reference",
    "REBUTTAL_WAREHOUSE_URL": "duckdb:////var/lib/rebuttal/reference/warehouse.duckdb",
    "REBUTTAL_STATE_URL": "sqlite:////var/lib/rebuttal/reference/state.sqlite",
}
# With which batch a version came depends on when it was pulled; who is whom is a conclusion of `model`.
BY_BATCH = {"batch_id", "row_number"}
OF_MODEL = ("core.identity_", "core.person_")


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """Everything up, with the profile `demo`."""
    place = Stack(tmp_path_factory.mktemp("compose"), WORLD)
    try:
        place.up()
        yield place
    finally:
        place.down()


def fingerprints(
    stack: Stack, schemas: tuple[str, ...], env: dict[str, str] | None = None, but: set[str] | None = None
) -> dict[str, Any]:
    """bench/compare.py over the warehouse of a container, columns of the names `but` left out."""
    program = (ROOT / "bench" / "compare.py").read_text(encoding="utf-8") + f"\nVOLATILE |= set({sorted(but or ())!r})"
    asked = f"print(json.dumps(fingerprints(os.environ['REBUTTAL_WAREHOUSE_URL'], {schemas!r})))"
    found: dict[str, Any] = stack.python(f"{program}\nimport json, os\n{asked}\n", env)
    return found


def tasks_in_the_tracker(stack: Stack) -> Counter[str]:
    """How many issues bear each label of ours; the label is the key that makes a create happen once."""
    jira = json.loads(stack.rebuttal("sandbox", "credentials", "--json"))["jira"]
    answer = requests.post(
        f"{stack.address('sandbox', 8799)}/jira/rest/api/3/search/jql",
        json={"jql": f"project = {jira['project']} ORDER BY created ASC", "fields": ["labels"], "maxResults": 100},
        auth=(jira["email"], jira["api_token"]), timeout=30,
    ).json()  # fmt: skip
    assert answer.get("isLast", True), "more tasks than a page: ask for the next one"
    return Counter(label for issue in answer["issues"] for label in issue["fields"]["labels"] if _is_key(label))


def _is_key(label: str) -> bool:
    return re.fullmatch(r"rebuttal-[0-9a-f]+", label) is not None


def assert_whole(stack: Stack) -> None:
    """What holds after any turn, whatever was killed in it."""
    account = json.loads(stack.rebuttal("account", "--recount", "--json"))
    outcomes = account["total"]
    assert outcomes["landed"] > 1000
    assert sum(count for name, count in outcomes.items() if name != "landed") == outcomes["landed"]
    assert {batch["status"] for batch in account["batches"]} <= {"admitted", "superseded"}
    tasks = tasks_in_the_tracker(stack)
    assert tasks, "the loop has made no task"
    assert set(tasks.values()) == {1}, f"made twice: {tasks}"
    sent = int(stack.sql("state", "select count(*) from outbox where state in ('sent', 'adopted')")[0][0])
    assert sent == len(tasks), "the outbox and the tracker disagree"
    assert stack.sql("state", "select count(*) from outbox where state not in ('sent', 'adopted')") == [["0"]]
    mails = stack.mails()
    assert mails, "no mail came"
    assert set(mails.values()) == {1}, f"mailed twice: {mails}"


def lose_a_deal(stack: Stack) -> str:
    """Something happens at a vendor, which tells of it; the deal's id."""
    answer = requests.post(f"{stack.address('sandbox', 8799)}/_sandbox/lose-deal", json={}, timeout=60)
    assert answer.status_code == 200, answer.text
    return str(answer.json()["deal_id"])


def assert_heard(stack: Stack, deals: Collection[str]) -> None:
    """Each of these lost deals is in the warehouse as lost, whichever way it came."""
    named = ", ".join(f"'{deal}'" for deal in deals)
    query = f"select count(*) from core.deal where deal_id in ({named}) and is_closed and not is_won"
    assert stack.sql("warehouse", query) == [[str(len(deals))]]


def test_the_loop_survives_the_death_of_each_service(stack: Stack) -> None:
    assert set((states := stack.turn()).values()) <= {"success"}, states
    assert_whole(stack)
    tasks_before, mails_before = tasks_in_the_tracker(stack), stack.mails()

    since = stack.trigger_pulls()
    lost = []
    for service in KILLED:
        if service in WHILE_A_DEAL_IS_LOST:
            lost.append(lose_a_deal(stack))
        stack.kill(service)
    stack.wait_healthy()
    say(f"quiet: {dict(Counter(stack.wait_quiet(since).values()))}")
    # As the runbook says for a day so bad that tasks used up their tries.
    stack.rebuttal("loop")
    say("a whole loop by hand")
    assert_whole(stack)
    assert_heard(stack, lost)
    assert stack.sql("state", "select count(*) from inbox_event where state = 'dead'") == [["0"]]
    assert set(tasks_before) <= set(tasks_in_the_tracker(stack))
    assert set(mails_before) <= set(stack.mails())

    settled, mails_settled = fingerprints(stack, ("core", "marts")), stack.mails()
    stack.rebuttal("loop")
    assert differences(settled, fingerprints(stack, ("core", "marts"))) == []
    assert stack.mails() == mails_settled
    say("a second one changed nothing")

    # Nothing is lost: a warehouse that is filled from the same vendors, and that nobody disturbs, has the same core.
    for command in ("pull", "admit"):
        stack.rebuttal(command, env=REFERENCE)
    reference = fingerprints(stack, ("core",), REFERENCE, BY_BATCH)
    reference = {name: value for name, value in reference.items() if not name.startswith(OF_MODEL)}
    here = fingerprints(stack, ("core",), but=BY_BATCH)
    assert reference["core.deal"][0] > 10
    assert differences(reference, {name: here[name] for name in reference}) == []
    say(f"{len(reference)} tables as in a warehouse that nobody disturbed")


def test_a_deal_lost_at_the_vendor_is_heard_of_at_once(stack: Stack) -> None:
    deal = lose_a_deal(stack)
    event = f"select state from inbox_event where source = 'hubspot' and object_id = '{deal}'"

    def is_done() -> bool:
        states = {row[0] for row in stack.sql("state", event)}
        return "done" in states and states <= {"done", "unhandled"}

    began = time.monotonic()
    until(is_done, 600, lambda: f"events of deal {deal}: {stack.sql('state', event)}")
    say(f"a lost deal was worked on {time.monotonic() - began:.0f} s after it was lost")
    assert_heard(stack, [deal])


def test_the_receiver_takes_in_who_signs_and_nobody_else(stack: Stack) -> None:
    base = stack.address("receiver", 8790)
    assert requests.get(f"{base}/hooks/health", timeout=30).status_code == 200
    kept = stack.sql("state", "select count(*) from inbox_event")
    body = json.dumps({"form_response": {"token": "forged"}, "event_id": "forged", "event_type": "form_response"})
    forged = {"Typeform-Signature": "sha256=" + base64.b64encode(bytes(32)).decode()}
    for name, signature, told in (("typeform", {}, 401), ("typeform", forged, 401), ("nobody", {}, 404)):
        headers = {"Content-Type": "application/json", **signature}
        assert requests.post(f"{base}/hooks/{name}", body, headers=headers, timeout=30).status_code == told
    assert stack.sql("state", "select count(*) from inbox_event") == kept


def test_the_reading_role_reads_marts_and_nothing_else(stack: Stack) -> None:
    def told(query: str, database: str = "warehouse") -> str:
        ask = f'psql -XAt -h 127.0.0.1 -U bi_reader -d {database} -c "{query}" 2>&1 || true'
        script = f'export PGPASSWORD="$(cat /run/secrets/bi_reader_password)"; {ask}'
        return stack.compose("exec", "-T", "postgres", "sh", "-c", script).strip()

    assert int(told("select count(*) from marts.kpi_weekly")) > 0
    assert int(told("select count(*) from ops.publication")) > 0
    for table in ("core.contact", "ops.quarantine", "landing.hubspot__contacts"):
        assert "permission denied" in told(f"select 1 from {table}"), table
    assert "permission denied" in told("delete from marts.kpi_weekly")
    assert "permission denied" in told("create table marts.mine (a int)")
    for database in ("state", "airflow", "superset"):
        assert "permission denied for database" in told("select 1", database), database


def test_the_dashboards_read_every_dataset(stack: Stack) -> None:
    base = stack.address("superset", 8088)
    kept = stack.compose("exec", "-T", "superset", "cat", "/var/lib/rebuttal/superset/passwords.json")
    login = {"username": "admin", "password": json.loads(kept)["admin"], "provider": "db", "refresh": False}
    session = requests.Session()
    token = session.post(f"{base}/api/v1/security/login", json=login, timeout=60).json()["access_token"]
    session.headers["Authorization"] = f"Bearer {token}"
    charts = session.get(f"{base}/api/v1/chart/?q=(page_size:100)", timeout=60).json()["result"]
    names = {int(chart["datasource_id"]): str(chart["datasource_name_text"]) for chart in charts}
    assert len(names) > 20
    counted = {}
    for number, name in names.items():
        count = {"expressionType": "SQL", "sqlExpression": "count(*)", "label": "rows"}
        asked = {"datasource": {"id": number, "type": "table"}, "queries": [{"columns": [], "metrics": [count]}]}
        answer = session.post(f"{base}/api/v1/chart/data", json=asked, timeout=120)
        assert answer.status_code == 200, f"{name}: {answer.text[:300]}"
        counted[name] = answer.json()["result"][0]["data"][0]["rows"]
    assert sum(rows > 0 for rows in counted.values()) > len(counted) / 2, counted


def test_no_secret_is_in_images_containers_or_logs(stack: Stack) -> None:
    words = [
        path.read_text(encoding="utf-8").strip()
        for path in Path(stack.env["SECRETS_FOLDER"]).iterdir()
        if path.name not in ("connections", "airflow_passwords")
    ]
    words += list(json.loads((Path(stack.env["SECRETS_FOLDER"]) / "airflow_passwords").read_text()).values())
    containers = stack.compose("ps", "--all", "--quiet").split()
    assert len(containers) >= 13
    said = subprocess.run(["docker", "inspect", *containers], capture_output=True, text=True, check=True).stdout
    said += stack.compose("logs", "--no-color")
    assert len(said) > 10_000
    assert [word[:4] for word in words if word in said] == []
