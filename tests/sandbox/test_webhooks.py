"""Webhooks as the vendors send them, received by a plain server and judged by the vendors' own rules."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.error import HTTPError

import pytest
import requests
from bench.speed.fastway import lose_one
from hubspot.utils.signature import Signature
from serving import Serve, Served
from small_world import SmallWorld, recorded

from sandbox.recorded import ACCOUNTS, TaskCard, TeamAction
from sandbox.webhooks import SECRETS

HUBSPOT = {"Authorization": "Bearer sandbox-hubspot-token"}
JIRA = ("loop@example.com", "sandbox-jira-token")


@dataclass
class Receiver:
    """A server that keeps what it is sent and answers with the statuses in `answers`, then with 200."""

    url: str
    got: list[tuple[str, dict[str, str], bytes]] = field(default_factory=list)
    answers: list[int] = field(default_factory=list)

    def wait_for(self, count: int) -> list[tuple[str, dict[str, str], bytes]]:
        limit = time.monotonic() + 20
        while len(self.got) < count and time.monotonic() < limit:
            time.sleep(0.01)
        assert len(self.got) >= count, f"{len(self.got)} of {count} webhooks came"
        return self.got


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            kept.got.append((self.path, dict(self.headers), body))
            self.send_response(kept.answers.pop(0) if kept.answers else 200)
            self.end_headers()

        def log_message(self, *_: Any) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    kept = Receiver(f"http://127.0.0.1:{server.server_port}/hooks")
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    yield kept
    server.shutdown()
    server.server_close()
    thread.join(10)


def all_sent(served: Served) -> list[dict[str, Any]]:
    """What the sandbox sent, once each delivery is over: it counts an answer a moment after the receiver gave it."""
    limit = time.monotonic() + 20
    while time.monotonic() < limit:
        sent: list[dict[str, Any]] = served.operate("webhooks")["sent"]
        if sent and all(one["is_over"] for one in sent):
            return sent
        time.sleep(0.02)
    raise AssertionError("the sandbox is still sending after 20 s, or sent nothing")


def signed_by_hubspot(receiver: Receiver, got: tuple[str, dict[str, str], bytes], secret: str) -> bool:
    path, headers, body = got
    return bool(
        Signature.is_valid(
            signature=headers["X-HubSpot-Signature-v3"],
            client_secret=secret,
            request_body=body.decode(),
            http_uri=receiver.url.removesuffix("/hooks") + path,
            http_method="POST",
            signature_version="v3",
            timestamp=headers["X-HubSpot-Request-Timestamp"],
        )
    )


def deals_events(got: list[tuple[str, dict[str, str], bytes]]) -> list[dict[str, Any]]:
    return [event for path, _, body in got if path.endswith("/hubspot") for event in json.loads(body)]


def test_a_deal_lost_on_demand_is_in_the_crm_told_and_true(served: Served, receiver: Receiver) -> None:
    served.operate("webhooks", {"url": receiver.url})
    told = served.operate("lose-deal", {"doubt": "price"})
    got = receiver.wait_for(1)[0]
    assert signed_by_hubspot(receiver, got, SECRETS["hubspot"])
    assert not signed_by_hubspot(receiver, got, "another secret")
    events = {(event["subscriptionType"], event["propertyName"]): event for event in json.loads(got[2])}
    lost = events["deal.propertyChange", "dealstage"]
    assert (str(lost["objectId"]), lost["propertyValue"], lost["attemptNumber"]) == (told["deal_id"], "closedlost", 0)
    assert ("deal.propertyChange", "closed_lost_reason") in events
    url = f"{served.url}/hubspot/crm/v3/objects/notes/{told['note_id']}"
    note = requests.get(
        url, {"properties": "hs_note_body", "associations": "deals"}, headers=HUBSPOT, timeout=30
    ).json()
    assert [one["id"] for one in note["associations"]["deals"]["results"]] == [told["deal_id"]]
    assert [one["code"] for one in told["says"]] == ["price"]
    for one in told["says"]:
        assert note["properties"]["hs_note_body"][one["start"] : one["end"]] == one["quote"] != ""
    assert served.operate("truth")["lost_on_demand"] == [told]


def test_the_same_is_lost_again_after_a_restart_and_by_the_same_seed(serve: Serve, tmp_path: Path) -> None:
    first = serve(state=tmp_path / "journal")
    told = [first.operate("lose-deal", {}) for _ in range(2)]
    assert told[0]["deal_id"] != told[1]["deal_id"]
    first.stop()
    again = serve(state=tmp_path / "journal")
    assert again.operate("truth")["lost_on_demand"] == told
    other = serve()
    assert [other.operate("lose-deal", {}) for _ in range(2)] == told


def test_what_cannot_be_lost_is_told(served: Served) -> None:
    for asked, why in (({"doubt": "boredom"}, "no doubt"), ({"deal": "1"}, "is open"), ({"dael": "1"}, "keys|with")):
        reply = requests.post(f"{served.url}/_sandbox/lose-deal", json=asked, timeout=30)
        assert reply.status_code == 400
        assert any(word in reply.json()["error"] for word in why.split("|"))


def test_when_every_deal_is_lost_the_measure_of_the_fast_way_ends(served: Served) -> None:
    lost = []
    while deal_id := lose_one(served.url):
        lost.append(deal_id)
    assert 0 < len(set(lost)) == len(lost)
    with pytest.raises(HTTPError, match="404"):
        lose_one(f"{served.url}/elsewhere")


def test_hubspot_tries_again_by_its_schedule_with_a_fresh_signature(served: Served, receiver: Receiver) -> None:
    served.operate("faults", {"values": {"hook_hour_s": 0.1}})
    served.operate("webhooks", {"url": receiver.url})
    receiver.answers = [500, 404]
    served.operate("lose-deal", {})
    got = receiver.wait_for(3)
    tries = [json.loads(body) for _, _, body in got]
    assert [{event["attemptNumber"] for event in one} for one in tries] == [{0}, {1}, {2}]
    assert len({event["eventId"] for one in tries for event in one}) == len(tries[0])
    assert all(signed_by_hubspot(receiver, one, SECRETS["hubspot"]) for one in got)
    assert [one["statuses"] for one in all_sent(served)] == [[500, 404, 200]]


def test_hubspot_gives_up_after_ten_more_tries(served: Served, receiver: Receiver) -> None:
    served.operate("faults", {"values": {"hook_hour_s": 0.01}})
    served.operate("webhooks", {"url": receiver.url})
    receiver.answers = [503] * 30
    served.operate("lose-deal", {})
    assert len(all_sent(served)[0]["statuses"]) == 11
    assert len(receiver.got) == 11


@pytest.mark.parametrize(
    ("fault", "count"), [("hook_duplicate", 2), ("hook_forged", 2), ("hook_dropped", 0)], ids=lambda one: str(one)
)
def test_faults_of_the_post(served: Served, receiver: Receiver, fault: str, count: int) -> None:
    served.operate("faults", {"values": {fault: 1.0}})
    served.operate("webhooks", {"url": receiver.url})
    served.operate("lose-deal", {})
    all_sent(served)
    assert len(receiver.got) == count
    genuine = [signed_by_hubspot(receiver, one, SECRETS["hubspot"]) for one in receiver.got]
    assert genuine == {"hook_duplicate": [True, True], "hook_forged": [False, True], "hook_dropped": []}[fault]
    assert [one["kind"] for one in served.operate("faults")["injected"]] == [fault]


def test_out_of_order_comes_after_the_next(served: Served, receiver: Receiver) -> None:
    served.operate("webhooks", {"url": receiver.url})
    served.operate("faults", {"values": {"hook_out_of_order": 1.0, "hook_late_s": 2.0}})
    first = served.operate("lose-deal", {})
    while not served.operate("webhooks")["sent"]:  # its fault is drawn when it is about to be sent
        time.sleep(0.01)
    served.operate("faults", {"values": {"hook_out_of_order": 0.0}})
    second = served.operate("lose-deal", {})
    order = [str(event["objectId"]) for event in deals_events(receiver.wait_for(2))]
    assert list(dict.fromkeys(order)) == [second["deal_id"], first["deal_id"]]


def test_an_app_subscribes_by_hubspots_own_interface(served: Served, receiver: Receiver) -> None:
    base = f"{served.url}/hubspot/webhooks/v3/54321"
    assert requests.get(f"{base}/settings", headers=HUBSPOT, timeout=30).status_code == 404
    target = {"targetUrl": f"{receiver.url}/hubspot", "throttling": {"maxConcurrentRequests": 10}}
    assert requests.put(f"{base}/settings", json=target, headers=HUBSPOT, timeout=30).json()["targetUrl"]
    wanted = {"eventType": "deal.propertyChange", "propertyName": "dealstage", "active": True}
    made = requests.post(f"{base}/subscriptions", json=wanted, headers=HUBSPOT, timeout=30)
    assert made.status_code == 201
    wrong = requests.post(f"{base}/subscriptions", json={"eventType": "note.creation"}, headers=HUBSPOT, timeout=30)
    assert wrong.status_code == 400
    listed = requests.get(f"{base}/subscriptions", headers=HUBSPOT, timeout=30).json()["results"]
    assert [one["id"] for one in listed] == [made.json()["id"]]
    served.operate("lose-deal", {})
    events = deals_events(receiver.wait_for(1))
    assert [(event["propertyName"], str(event["subscriptionId"])) for event in events] == [
        ("dealstage", listed[0]["id"])
    ]


def test_jira_tells_of_an_issue_and_keeps_its_identifier_on_retries(served: Served, receiver: Receiver) -> None:
    served.operate("faults", {"values": {"hook_hour_s": 0.1}})
    served.operate("webhooks", {"url": receiver.url})
    receiver.answers = [503]
    fields = {"project": {"key": "MKT"}, "issuetype": {"name": "Task"}, "summary": "Answer", "labels": []}
    requests.post(
        f"{served.url}/jira/rest/api/3/issue", json={"fields": fields}, auth=JIRA, timeout=30
    ).raise_for_status()
    got = receiver.wait_for(2)
    assert {headers["X-Atlassian-Webhook-Identifier"] for _, headers, _ in got} == {"sandbox-1"}
    assert ["X-Atlassian-Webhook-Retry" in headers for _, headers, _ in got] == [False, True]
    body = got[0][2]
    expected = "sha256=" + hmac.new(SECRETS["jira"].encode(), body, hashlib.sha256).hexdigest()
    assert got[0][1]["X-Hub-Signature"] == expected
    told = json.loads(body)
    assert (told["webhookEvent"], told["issue"]["key"]) == ("jira:issue_created", "MKT-1")
    url = f"{served.url}/jira/rest/api/3/issue/MKT-1/transitions"
    requests.post(url, json={"transition": {"id": "21"}}, auth=JIRA, timeout=30).raise_for_status()
    moved = json.loads(receiver.wait_for(3)[2][2])
    assert moved["webhookEvent"] == "jira:issue_updated"
    assert [(item["field"], item["toString"]) for item in moved["changelog"]["items"]] == [("status", "In Progress")]


def test_trello_signs_body_and_address_and_the_teams_moves_are_told(served: Served, receiver: Receiver) -> None:
    served.operate("webhooks", {"url": receiver.url})
    account = ACCOUNTS["trello"]
    login = {"key": account["api_key"], "token": account["access_token"]}
    lists = requests.get(f"{served.url}/trello/1/boards/{account['board']}/lists", login, timeout=30).json()
    new = {**login, "idList": lists[0]["id"], "name": "Answer"}
    card = requests.post(f"{served.url}/trello/1/cards", params=new, timeout=30).json()
    _, headers, body = receiver.wait_for(1)[0]
    mac = hmac.new(SECRETS["trello"].encode(), body + f"{receiver.url}/trello".encode(), "sha1").digest()
    assert headers["X-Trello-Webhook"] == base64.b64encode(mac).decode()
    made = json.loads(body)["action"]
    assert (made["type"], made["data"]["card"]["id"]) == ("createCard", card["id"])
    moved = {**login, "idList": lists[1]["id"]}
    requests.put(f"{served.url}/trello/1/cards/{card['id']}", params=moved, timeout=30).raise_for_status()
    told = json.loads(receiver.wait_for(2)[1][2])["action"]
    assert (told["type"], told["data"]["listAfter"]["name"]) == ("updateCard", lists[1]["name"])


class Growing(SmallWorld):
    """Its last response and its last deal come with the first move."""

    def __init__(self) -> None:
        whole = recorded()
        crm = {**whole.crm, "deals": whole.crm["deals"][:-1]}
        super().__init__(replace(whole, responses=whole.responses[:-1], crm=crm))

    def advance(self, days: float, tasks: list[TaskCard]) -> list[TeamAction]:
        self.shown = recorded()
        return super().advance(days, tasks)


def test_the_moving_world_is_told_and_typeform_ends_at_410(serve: Serve, receiver: Receiver) -> None:
    served = serve(Growing())
    served.operate("webhooks", {"url": receiver.url})
    receiver.answers = [410, 410]
    served.operate("advance", {"days": 1})
    by_vendor = {path.rsplit("/", 1)[1]: (headers, body) for path, headers, body in receiver.wait_for(2)}
    created = json.loads(by_vendor["hubspot"][1])[0]
    assert (created["subscriptionType"], created["objectId"], created["changeFlag"]) == (
        "deal.creation",
        509,
        "CREATED",
    )
    headers, body = by_vendor["typeform"]
    mac = base64.b64encode(hmac.new(SECRETS["typeform"].encode(), body, hashlib.sha256).digest()).decode()
    assert headers["Typeform-Signature"] == f"sha256={mac}"
    told = json.loads(body)
    assert told["event_type"] == "form_response"
    assert told["form_response"]["token"] == recorded().responses[-1].token
    assert told["form_response"]["answers"]
    limit = time.monotonic() + 10
    while "typeform" in served.operate("webhooks")["addresses"] and time.monotonic() < limit:
        time.sleep(0.02)
    assert set(served.operate("webhooks")["addresses"]) == {"hubspot", "jira", "trello"}
