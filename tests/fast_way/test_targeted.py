"""The targeted pull: only what is named and what is heard with it, as the normal pull would have landed it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import requests
from tests.fast_way.conftest import Company

from rebuttal import quality, sources
from rebuttal.connections import Connection
from rebuttal.errors import ConfigError

pytestmark = pytest.mark.long_form(
    "what an event brings goes the way of every pull, on either engine", company="postgres"
)
HEADERS = {"Authorization": "Bearer sandbox-hubspot-token"}
LANDED = (
    "select _key, _row_hash from landing.hubspot__{}"
    " where _batch_id in (select batch_id from ops.batch where kind = '{}')"
)


def test_a_lost_deal_lands_with_its_note_and_a_full_pull_finds_both_unchanged(company: Company) -> None:
    cursors = company.query("select stream, max(cursor_after) from ops.batch group by stream order by 1")
    told = company.lose(doubt="price")
    named = sources.pull_named(company.context, "hubspot", {"deals": [told["deal_id"]]})
    assert named.found["deals"] == {told["deal_id"]}
    assert told["note_id"] in named.found["notes"]
    assert not named.unknown
    assert {one["stream"] for one in named.report.details} == {"deals", "deal_stage_changes", "notes"}
    assert company.query("select stream, max(cursor_after) from ops.batch group by stream order by 1") == cursors
    assert told["deal_id"] in {key for key, _ in company.query(LANDED.format("deals", "targeted"))}
    assert quality.run(company.context).problems == []
    stage = company.query(f"select stage_id, lost_reason from core.deal where deal_id = '{told['deal_id']}'")
    assert stage == [("closedlost", "Too expensive")]
    [(body,)] = company.query(f"select body from core.conversation where conversation_id = '{told['note_id']}'")
    assert told["says"][0]["quote"] in body
    landed = {name: set(company.query(LANDED.format(name, "targeted"))) for name in ("deals", "notes")}

    assert sources.run(company.context, "hubspot").problems == []
    admitted = quality.run(company.context)
    assert admitted.counts.get("changed", 0) == admitted.counts.get("new", 0) == 0
    for name, rows in landed.items():
        assert rows <= set(company.query(LANDED.format(name, "live"))) | rows
    versions = "select count(*), count(distinct _row_hash) from landing.hubspot__deals where _key = '{}'"
    # Both versions of the lost deal, each with one hash, however it came.
    assert company.query(versions.format(told["deal_id"]))[0][1] == 2


def test_asked_again_nothing_lands_and_nothing_changes(company: Company) -> None:
    told = company.lose()
    assert sources.pull_named(company.context, "hubspot", {"deals": [told["deal_id"]]}).report.changed
    quality.run(company.context)
    before = company.everything()
    again = sources.pull_named(company.context, "hubspot", {"deals": [told["deal_id"]]})
    assert (again.report.changed, again.report.counts.get("batches", 0)) == (False, 0)
    quality.run(company.context)
    assert company.everything() == before
    assert len(before["core.deal"]) == 9


def test_a_deleted_object_leaves_what_the_normal_pull_leaves(company: Company) -> None:
    url = f"{company.served.url}/hubspot/crm/v3/objects/deals/502"
    assert requests.delete(url, headers=HEADERS, timeout=30).status_code == 204
    named = sources.pull_named(company.context, "hubspot", {"deals": ["502"]})
    assert (named.found["deals"], named.unknown) == ({"502"}, {})
    assert quality.run(company.context).problems == []
    assert company.query("select is_deleted from core.deal where deal_id = '502'") == [(True,)]
    rows = company.query("select _row_hash from landing.hubspot__deals where _key = '502'")
    assert sources.run(company.context, "hubspot").problems == []
    assert set(company.query("select _row_hash from landing.hubspot__deals where _key = '502'")) == set(rows)
    assert len(set(rows)) == 2


def test_an_unknown_object_is_named_and_the_known_ones_land(company: Company) -> None:
    told = company.lose()
    named = sources.pull_named(company.context, "hubspot", {"deals": ["999999", told["deal_id"]]})
    assert named.unknown == {"deals": {"999999"}}
    assert named.found["deals"] == {told["deal_id"]}
    assert named.report.counts["unknown"] == 1
    assert named.report.changed


def test_a_response_comes_by_form_and_token(company: Company) -> None:
    token = f"{5000:032x}"
    known = sources.pull_named(
        company.context, "typeform", {"responses": [f"lost3Kd/{token}", "lost3Kd/none", "nope/x"]}
    )
    assert known.found["responses"] == {f"lost3Kd/{token}"}
    assert known.unknown["responses"] == {"lost3Kd/none", "nope/x"}
    # It was pulled before, and the single answer is the same row to the letter.
    assert not known.report.changed


def test_what_cannot_be_named_is_told(company: Company) -> None:
    for source, stream in (("hubspot", "owners"), ("hubspot", "dael"), ("ga4", "traffic")):
        with pytest.raises(ConfigError, match=f"{source}.{stream}"):
            sources.pull_named(company.context, source, {stream: ["1"]})


def test_a_lost_subscription_is_told(company: Company) -> None:
    url = "https://loop.example.com/hooks/hubspot"
    assert sources.check_subscriptions(company.context, "hubspot", url) is None  # no app is named
    assert sources.check_subscriptions(company.context, "typeform", url) is None
    known = company.context.resolve

    def with_app(name: str) -> Connection:
        found = known(name)
        return replace(found, extra={**found.extra, "app_id": "54321"}) if name == "hubspot" else found

    context = replace(company.context, resolve=with_app)
    [told] = sources.check_subscriptions(context, "hubspot", url) or []
    assert "no address" in told
    base = f"{company.served.url}/hubspot/webhooks/v3/54321"
    elsewhere = {"targetUrl": "https://elsewhere.example.com/hooks/hubspot"}
    requests.put(f"{base}/settings", json=elsewhere, headers=HEADERS, timeout=30).raise_for_status()
    wanted = {"eventType": "deal.creation", "active": True}
    requests.post(f"{base}/subscriptions", json=wanted, headers=HEADERS, timeout=30).raise_for_status()
    told, missing = sources.check_subscriptions(context, "hubspot", url) or ["", ""]
    assert "another address" in told
    assert "dealstage" in missing
    assert "deal.creation" not in missing
    wanted = {"eventType": "deal.propertyChange", "propertyName": "dealstage", "active": True}
    requests.post(f"{base}/subscriptions", json=wanted, headers=HEADERS, timeout=30).raise_for_status()
    requests.put(f"{base}/settings", json={"targetUrl": url}, headers=HEADERS, timeout=30).raise_for_status()
    assert sources.check_subscriptions(context, "hubspot", url) == []


def test_a_lost_webhook_of_a_form_is_told(company: Company) -> None:
    url, forms = "https://loop.example.com/hooks/typeform", ["exitZ9m", "lost3Kd", "nps7Qx"]
    known = company.context.resolve

    def with_tag(name: str) -> Connection:
        found = known(name)
        return replace(found, extra={**found.extra, "webhook_tag": "loop"}) if name == "typeform" else found

    context = replace(company.context, resolve=with_tag)
    told = sources.check_subscriptions(context, "typeform", url) or []
    assert told == [f"Typeform's form {form} has no webhook 'loop': set it to {url}" for form in forms]

    def put(form: str, **body: Any) -> None:
        address = f"{company.served.url}/typeform/forms/{form}/webhooks/loop"
        token = {"Authorization": "Bearer sandbox-typeform-token"}
        requests.put(address, json=body, headers=token, timeout=30).raise_for_status()

    put("exitZ9m", url=url, enabled=True, secret="s")
    put("lost3Kd", url="https://elsewhere.example.com/hooks", enabled=True)
    put("nps7Qx", url=url, enabled=False)
    elsewhere, off = sources.check_subscriptions(context, "typeform", url) or ["", ""]
    assert "lost3Kd sends its webhook 'loop' to another address" in elsewhere
    assert "nps7Qx has its webhook 'loop' switched off" in off
    put("lost3Kd", url=url, enabled=True)
    put("nps7Qx", url=url, enabled=True)
    assert sources.check_subscriptions(context, "typeform", url) == []
