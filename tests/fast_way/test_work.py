"""What the fast way does with events that cannot be worked on, before and beside those that can.

That an event becomes a task, and never two, is shown in tests/loop on a company whose marts are built.
"""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import text, update
from tests.fast_way.conftest import NOW, Company

from rebuttal import fast_way, quality, sources
from rebuttal.clock import Clock
from rebuttal.inbox import Arrival, receive
from rebuttal.inbox.arrivals import AT_ONCE
from rebuttal.missed import missed, waits_for_marts
from rebuttal.state import InboxEvent, open_state
from rebuttal.warehouse import open_warehouse

pytestmark = pytest.mark.long_form(
    "what an event brings goes the way of every pull, on either engine", company="postgres"
)


def tell(company: Company, key: str, kind: str, name: str, source: str = "hubspot", body: bytes = b"{}") -> None:
    with open_state(company.context.settings) as sessions:
        receive(sessions, [Arrival(source, key, f"{kind}.changed", body, body, kind, name)])


def events(company: Company) -> dict[str, tuple[str, int, str | None]]:
    """Delivery key -> state, attempts, reason."""
    with open_state(company.context.settings) as sessions, sessions() as session:
        return {str(one.delivery_key): (one.state, one.attempts, one.reason) for one in session.query(InboxEvent)}


def hurry(company: Company) -> None:
    """What waits for its next try is due now."""
    with open_state(company.context.settings) as sessions, sessions.begin() as session:
        session.execute(update(InboxEvent).where(InboxEvent.state == "new").values(next_try_at=AT_ONCE))


@pytest.fixture(autouse=True)
def _empty_inbox(company: Company) -> None:
    """Nothing waits, and the marts are there as far as anybody here looks."""
    with open_warehouse(company.context.settings) as engine, engine.begin() as connection:
        connection.execute(text("create schema if not exists marts"))
        connection.execute(text("create table if not exists marts.deal (deal_id text)"))
    with open_state(company.context.settings) as sessions, sessions.begin() as session:
        session.query(InboxEvent).delete()


def test_before_the_marts_are_built_events_wait_and_no_try_is_spent(company: Company) -> None:
    with open_warehouse(company.context.settings) as engine, engine.begin() as connection:
        connection.execute(text("drop table marts.deal"))
    tell(company, "one", "deal", "501")
    report = fast_way.work(company.context)
    assert (report.counts, report.changed, report.problems) == ({"waiting_for_marts": 1}, False, [])
    assert events(company)["one"] == ("new", 0, None)


def test_an_event_that_fails_waits_and_is_dead_after_its_tries_while_others_go_on(company: Company) -> None:
    tell(company, "one", "deal", "501")
    body = json.dumps({"form_response": {"form_id": "lost3Kd"}}).encode()
    tell(company, "other", "form_response", "nobody knows", "typeform", body)
    company.served.operate("faults", {"values": {"unauthorized": 1.0}})
    try:
        report = fast_way.work(company.context)
        assert report.counts["tried_again"] == 2
        state, attempts, reason = events(company)["one"]
        assert (state, attempts) == ("new", 1)
        assert "CredentialsError" in str(reason)
        assert fast_way.work(company.context).counts == {}  # it is not due yet
        for _ in range(4):
            hurry(company)
            assert fast_way.work(company.context).problems == []
        hurry(company)
        report = fast_way.work(company.context)
    finally:
        company.served.operate("faults", {"values": {"unauthorized": 0.0}})
    assert report.counts["dead"] == 2
    assert sum("rebuttal inbox dead" in problem for problem in report.problems) == 2
    assert events(company)["one"][:2] == ("dead", 6)


def test_an_object_that_the_vendor_does_not_know_is_asked_for_again_then_left_to_the_pull(company: Company) -> None:
    tell(company, "none", "deal", "999999")
    for _ in range(fast_way.ASKED_AGAIN - 1):
        fast_way.work(company.context)
        assert events(company)["none"][0] == "new"
        assert "does not know" in str(events(company)["none"][2])
        hurry(company)
    last = fast_way.work(company.context)
    assert (last.counts["parked"], last.counts["done"]) == (1, 1)
    assert events(company)["none"][0] == "done"


def test_what_cannot_be_asked_for_by_name_is_left_to_the_pull(company: Company) -> None:
    tell(company, "task", "task", "1")
    tell(company, "form", "form_response", "x", "typeform", b"not what the vendor promises")
    report = fast_way.work(company.context)
    assert report.counts == {"events": 2, "left_to_the_pull": 2, "done": 2}


def test_our_own_doing_told_back_by_the_tracker_is_no_work(company: Company) -> None:
    with open_state(company.context.settings) as sessions:
        body = json.dumps({"webhookEvent": "jira:issue_created"}).encode()
        receive(sessions, [Arrival("jira", "made", "jira:issue_created", body, body, "issue", "10000")])
    report = fast_way.work(company.context)
    assert report.counts == {"events": 1, "done": 1}
    assert events(company)["made"][0] == "done"


def test_what_the_pull_found_and_no_webhook_told_is_counted(company: Company) -> None:
    told, untold = company.lose()["deal_id"], company.lose()["deal_id"]
    before = NOW - timedelta(hours=1)
    with open_state(company.context.settings) as sessions:
        event = Arrival("hubspot", "told", "deal.propertyChange", b"{}", b"{}", "deal", told, occurred_at=NOW)
        receive(sessions, [event], before)
    assert sources.run(company.context, "hubspot").problems == []
    assert quality.run(company.context).problems == []
    report = missed(company.context)
    found = {one["object_id"] for one in report.details if one["object_type"] == "deal"}
    assert untold in found
    assert told not in found
    assert report.counts["untold hubspot deal"] == len(found) < report.counts["pulled hubspot deal"]
    assert "pulled typeform form_response" not in report.counts  # it never sent an event


def test_what_events_brought_asks_for_the_marts(company: Company) -> None:
    lost = company.lose()
    later = replace(company.context, clock=Clock(NOW + timedelta(days=2)))
    assert not waits_for_marts(later)
    sources.pull_named(later, "hubspot", {"deals": [lost["deal_id"]]})
    assert not waits_for_marts(later)  # it has landed, and is not admitted yet
    quality.run(later, "hubspot")
    assert waits_for_marts(later)
