"""HubSpot's face, judged by HubSpot's own client, and its refusals at the wire."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
import requests
from hubspot import HubSpot
from hubspot.crm.associations.v4 import BatchInputPublicFetchAssociationsBatchRequest
from hubspot.crm.contacts import ApiException, BatchReadInputSimplePublicObjectId
from hubspot.crm.deals import PublicObjectSearchRequest, SimplePublicObjectInput, SimplePublicObjectInputForCreate
from serving import Serve, Served

TOKEN = "sandbox-hubspot-token"


def official(served: Served, token: str = TOKEN) -> HubSpot:
    return HubSpot(access_token=token, host=f"{served.url}/hubspot")


def post(served: Served, path: str, data: dict[str, Any]) -> requests.Response:
    headers = {"Authorization": f"Bearer {TOKEN}"}
    return requests.post(f"{served.url}/hubspot{path}", json=data, headers=headers, timeout=30)


def get(served: Served, path: str, **query: Any) -> requests.Response:
    headers = {"Authorization": f"Bearer {TOKEN}"}
    return requests.get(f"{served.url}/hubspot{path}", params=query, headers=headers, timeout=30)


def test_list_pages_to_the_end_without_archived_ones(shared: Served) -> None:
    api = official(shared).crm.contacts.basic_api
    ids, after, pages = [], None, 0
    while True:
        page = api.get_page(limit=5, after=after, properties=["email", "segment"])
        ids += [contact.id for contact in page.results]
        pages += 1
        if page.paging is None:
            break
        after = page.paging.next.after
    assert ids == [str(100 + n) for n in range(1, 12)]
    assert pages == 3
    first = api.get_page(limit=1, properties=["email", "segment", "no_such_property"]).results[0]
    assert first.properties["email"] == "person1@salon1.example"
    assert first.properties["segment"] == "salon_owner"
    assert first.properties["hs_object_id"] == "101"
    assert "no_such_property" not in first.properties
    assert first.created_at == datetime(2026, 10, 5, 8, 1, tzinfo=UTC)
    archived = api.get_page(archived=True).results
    assert [contact.id for contact in archived] == ["112"]
    assert archived[0].archived_at is not None


def test_deals_come_with_history_and_associations(shared: Served) -> None:
    deal = official(shared).crm.deals.basic_api.get_by_id(
        "504",
        properties=["dealstage", "closed_lost_reason"],
        properties_with_history=["dealstage"],
        associations=["contacts", "companies"],
    )
    assert deal.properties["dealstage"] == "closedlost"
    assert deal.properties["closed_lost_reason"] == "Дорого"
    assert [version.value for version in deal.properties_with_history["dealstage"]] == [
        "closedlost",
        "appointmentscheduled",
    ]
    assert [link.id for link in deal.associations["contacts"].results] == ["104"]
    assert deal.associations["contacts"].results[0].type == "deal_to_contact"
    contact = official(shared).crm.contacts.basic_api.get_by_id("104", associations=["deals", "notes"])
    assert [link.id for link in contact.associations["deals"].results] == ["504"]
    assert [link.id for link in contact.associations["notes"].results] == ["704"]


def test_history_halves_the_page(shared: Served) -> None:
    refused = get(shared, "/crm/v3/objects/deals", limit=100, propertiesWithHistory="dealstage")
    assert refused.status_code == 400
    assert refused.json()["category"] == "VALIDATION_ERROR"
    assert len(get(shared, "/crm/v3/objects/deals", limit=50, propertiesWithHistory="dealstage").json()["results"]) == 9


@pytest.mark.parametrize("path", ["/crm/v3/objects/0-3", "/crm/objects/2026-03/deals", "/crm/objects/2026-03/deal"])
def test_types_and_date_paths_mean_the_same(shared: Served, path: str) -> None:
    same = get(shared, path, limit=3).json()
    assert [deal["id"] for deal in same["results"]] == ["501", "502", "503"]
    assert same["paging"]["next"]["link"].startswith(f"{shared.url}/hubspot{path}?")
    followed = requests.get(same["paging"]["next"]["link"], headers={"Authorization": f"Bearer {TOKEN}"}, timeout=30)
    assert [deal["id"] for deal in followed.json()["results"]] == ["504", "505", "506"]


def test_batch_read_names_what_is_missing(shared: Served) -> None:
    api = official(shared).crm.contacts.batch_api
    whole = BatchReadInputSimplePublicObjectId(
        inputs=[{"id": "101"}, {"id": "103"}], properties=["hs_merged_object_ids"], properties_with_history=[]
    )
    answered = api.read(batch_read_input_simple_public_object_id=whole)
    assert answered.status == "COMPLETE"
    assert {one.id: one.properties["hs_merged_object_ids"] for one in answered.results} == {
        "101": None,
        "103": "901;902",
    }
    partial = post(shared, "/crm/v3/objects/contacts/batch/read", {"inputs": [{"id": "101"}, {"id": "999"}]})
    assert partial.status_code == 207
    assert partial.json()["numErrors"] == 1
    assert partial.json()["errors"][0]["context"] == {"ids": ["999"]}
    assert [one["id"] for one in partial.json()["results"]] == ["101"]
    many = {"inputs": [{"id": str(n)} for n in range(101)]}
    assert post(shared, "/crm/v3/objects/contacts/batch/read", many).status_code == 400
    with_history = {"inputs": [{"id": str(n)} for n in range(51)], "propertiesWithHistory": ["dealstage"]}
    assert post(shared, "/crm/v3/objects/deals/batch/read", with_history).status_code == 400


def test_search_filters_sorts_and_pages(shared: Served) -> None:
    since = int(datetime(2026, 10, 8, tzinfo=UTC).timestamp() * 1000)
    request = PublicObjectSearchRequest(
        filter_groups=[{"filters": [{"propertyName": "hs_lastmodifieddate", "operator": "GTE", "value": str(since)}]}],
        sorts=[{"propertyName": "hs_lastmodifieddate", "direction": "DESCENDING"}],
        properties=["dealname", "dealstage"],
        limit=2,
    )
    api = official(shared).crm.deals.search_api
    first = api.do_search(public_object_search_request=request)
    assert first.total == 4
    ids, page = [], first
    while True:
        ids += [deal.id for deal in page.results]
        if page.paging is None:
            break
        request.after = page.paging.next.after
        page = api.do_search(public_object_search_request=request)
    assert ids == ["505", "504", "509", "503"]
    assert first.results[0].properties["dealname"] == "Курс №5"


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        ([{"propertyName": "dealstage", "operator": "EQ", "value": "ClosedLost"}], ["504", "509"]),
        ([{"propertyName": "dealstage", "operator": "NEQ", "value": "closedlost"}], 7),
        ([{"propertyName": "dealstage", "operator": "IN", "values": ["closedwon", "closedlost"]}], 4),
        ([{"propertyName": "dealstage", "operator": "NOT_IN", "values": ["closedwon", "closedlost"]}], 5),
        ([{"propertyName": "closed_lost_reason", "operator": "HAS_PROPERTY"}], ["504", "509"]),
        ([{"propertyName": "closed_lost_reason", "operator": "NOT_HAS_PROPERTY"}], 7),
        (
            [{"propertyName": "amount", "operator": "BETWEEN", "value": "200", "highValue": "400.5"}],
            ["502", "503", "504"],
        ),
        ([{"propertyName": "amount", "operator": "GT", "value": "800"}], ["508", "509"]),
        ([{"propertyName": "hs_object_id", "operator": "LTE", "value": "502"}], ["501", "502"]),
        ([{"propertyName": "dealname", "operator": "CONTAINS_TOKEN", "value": "курс"}], 9),
        ([{"propertyName": "dealname", "operator": "NOT_CONTAINS_TOKEN", "value": "кур*"}], []),
        (
            [
                {"propertyName": "hs_is_closed", "operator": "EQ", "value": "true"},
                {"propertyName": "hs_is_closed_won", "operator": "EQ", "value": "false"},
            ],
            ["504", "509"],
        ),
    ],
)
def test_search_operators(shared: Served, filters: list[dict[str, Any]], expected: list[str] | int) -> None:
    found = post(shared, "/crm/v3/objects/deals/search", {"filterGroups": [{"filters": filters}], "limit": 200}).json()
    ids = [deal["id"] for deal in found["results"]]
    assert (len(ids) if isinstance(expected, int) else ids) == expected
    assert found["total"] == len(ids)


def test_search_leaves_out_archived_and_associations(shared: Served) -> None:
    found = post(shared, "/crm/v3/objects/contacts/search", {"limit": 200}).json()
    assert found["total"] == 11
    assert all("associations" not in contact for contact in found["results"])
    assert "112" not in [contact["id"] for contact in found["results"]]


@pytest.mark.parametrize(
    "bad",
    [
        {"limit": 201},
        {"after": "10000"},
        {"filterGroups": [{"filters": [{"propertyName": "nonsense", "operator": "EQ", "value": "1"}]}]},
        {"filterGroups": [{"filters": [{"propertyName": "amount", "operator": "LIKE", "value": "1"}]}]},
        {"filterGroups": [{"filters": [{"propertyName": "amount", "operator": "GT", "value": "a lot"}]}]},
        {"filterGroups": [{"filters": [{"propertyName": "amount", "operator": "IN"}]}]},
        {"filterGroups": [{"filters": [{"propertyName": "amount", "operator": "HAS_PROPERTY"}]}] * 6},
        {"sorts": ["amount", "dealname"]},
    ],
)
def test_search_refuses_what_hubspot_refuses(shared: Served, bad: dict[str, Any]) -> None:
    refused = post(shared, "/crm/v3/objects/deals/search", bad)
    assert refused.status_code == 400
    assert refused.json()["category"] == "VALIDATION_ERROR"
    assert refused.json()["correlationId"]


def test_pipelines_owners_and_properties(shared: Served) -> None:
    client = official(shared)
    pipeline = client.crm.pipelines.pipelines_api.get_all("deals").results[0]
    lost = next(stage for stage in pipeline.stages if stage.id == "closedlost")
    assert lost.metadata == {"isClosed": "true", "probability": "0.0"}
    assert [owner.id for owner in client.crm.owners.owners_api.get_page().results] == ["71", "72"]
    assert [owner.id for owner in client.crm.owners.owners_api.get_page(archived=True).results] == ["73"]
    names = [prop.name for prop in client.crm.properties.core_api.get_all("deals").results]
    assert {"dealstage", "closed_lost_reason", "hs_lastmodifieddate", "product"} <= set(names)


def test_associations_one_by_one_and_in_batches(shared: Served) -> None:
    client = official(shared)
    page = client.crm.associations.v4.basic_api.get_page("deals", "503", "contacts")
    assert [(link.to_object_id, link.association_types[0].type_id) for link in page.results] == [("103", 3)]
    batch = BatchInputPublicFetchAssociationsBatchRequest(inputs=[{"id": "701"}, {"id": "702"}])
    answered = client.crm.associations.v4.batch_api.get_page(
        "notes", "deals", batch_input_public_fetch_associations_batch_request=batch
    )
    links = {one._from.id: [to.to_object_id for to in one.to] for one in answered.results}
    assert links == {"701": ["501"], "702": ["502"]}
    missing = post(shared, "/crm/v4/associations/contacts/deals/batch/read", {"inputs": [{"id": "111"}, {"id": "101"}]})
    assert missing.status_code == 207
    assert missing.json()["errors"][0]["subCategory"] == "crm.associations.NO_ASSOCIATIONS_FOUND"


def test_writes_are_seen_and_survive_a_restart(serve: Serve, tmp_path: Any) -> None:
    state = tmp_path / "journal.jsonl"
    client = official(serve(state=state))
    made = client.crm.objects.notes.basic_api.create(
        SimplePublicObjectInputForCreate(
            properties={"hs_note_body": "Дорого", "hs_timestamp": "2026-10-11T10:00:00Z"},
            associations=[
                {
                    "to": {"id": "501"},
                    "types": [{"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": 214}],
                }
            ],
        )
    )
    changed = client.crm.deals.basic_api.update(
        "501", simple_public_object_input=SimplePublicObjectInput(properties={"dealstage": "contractsent"})
    )
    assert changed.updated_at > datetime(2026, 10, 12, tzinfo=UTC)
    client.crm.contacts.basic_api.archive("102")
    serve_again = official(serve(state=_copy(state)))
    for again in (client, serve_again):
        assert (
            again.crm.objects.notes.basic_api.get_by_id(made.id, properties=["hs_note_body"]).properties["hs_note_body"]
            == "Дорого"
        )
        deal = again.crm.deals.basic_api.get_by_id(
            "501", properties=["dealstage"], properties_with_history=["dealstage"], associations=["notes"]
        )
        assert deal.properties["dealstage"] == "contractsent"
        assert deal.updated_at == changed.updated_at
        stages = [version.value for version in deal.properties_with_history["dealstage"]]
        assert stages == ["contractsent", "qualifiedtobuy", "appointmentscheduled"]
        assert [link.id for link in deal.associations["notes"].results] == ["701", made.id]
        assert [one.id for one in again.crm.contacts.basic_api.get_page(archived=True).results] == ["102", "112"]


def _copy(path: Any) -> Any:
    """The journal as it is on disk now: the first sandbox still holds the original."""
    copy = path.with_name("copy.jsonl")
    copy.write_bytes(path.read_bytes())
    return copy


def test_duplicate_contact_is_a_conflict(served: Served) -> None:
    twin = post(served, "/crm/v3/objects/contacts", {"properties": {"email": "person1@salon1.example"}})
    assert twin.status_code == 409
    assert twin.json()["message"] == "Contact already exists. Existing ID: 101"
    unknown = post(served, "/crm/v3/objects/contacts", {"properties": {"shoe_size": "40"}})
    assert unknown.json()["errors"][0]["code"] == "PROPERTY_DOESNT_EXIST"


def test_search_index_lags_behind_writes(served: Served) -> None:
    served.operate("faults", {"values": {"hubspot_index_lag_s": 600}})
    won = {"filterGroups": [{"filters": [{"propertyName": "dealstage", "operator": "EQ", "value": "closedwon"}]}]}
    assert post(served, "/crm/v3/objects/deals/search", won).json()["total"] == 2
    official(served).crm.deals.basic_api.update(
        "501", simple_public_object_input=SimplePublicObjectInput(properties={"dealstage": "closedwon"})
    )
    assert post(served, "/crm/v3/objects/deals/search", won).json()["total"] == 2
    assert get(served, "/crm/v3/objects/deals/501").json()["properties"]["dealstage"] == "closedwon"
    served.operate("faults", {"values": {"hubspot_index_lag_s": 0}})
    assert post(served, "/crm/v3/objects/deals/search", won).json()["total"] == 3


def test_a_merged_contact_is_found_by_its_old_id(shared: Served) -> None:
    survivor = official(shared).crm.contacts.basic_api.get_by_id("902", properties=["hs_merged_object_ids"])
    assert (survivor.id, survivor.properties["hs_merged_object_ids"]) == ("103", "901;902")
    batch = {"inputs": [{"id": "901"}, {"id": "902"}, {"id": "103"}]}
    found = post(shared, "/crm/v3/objects/contacts/batch/read", batch).json()["results"]
    assert {contact["id"] for contact in found} == {"103"}


def test_wrong_token_and_unknown_things(shared: Served) -> None:
    with pytest.raises(ApiException) as refused:
        official(shared, "wrong").crm.contacts.basic_api.get_page()
    assert refused.value.status == 401
    none = requests.get(f"{shared.url}/hubspot/crm/v3/owners", timeout=30)
    assert none.status_code == 401
    assert none.json()["category"] == "INVALID_AUTHENTICATION"
    assert get(shared, "/crm/v3/objects/deals/1").status_code == 404
    assert get(shared, "/crm/v3/objects/unicorns").json()["message"] == "Unable to infer object type from: unicorns"
    assert get(shared, "/crm/v3/objects/deals", properties="x" * 17_000).status_code == 414


def test_limits_are_real_and_told(serve: Serve) -> None:
    served = serve(rate_factor=0.01)  # one call a burst, then one in five seconds
    first = get(served, "/crm/v3/owners")
    assert first.status_code == 200
    assert first.headers["X-HubSpot-RateLimit-Interval-Milliseconds"] == "10000"
    second = get(served, "/crm/v3/owners")
    assert second.status_code == 429
    assert second.json()["policyName"] == "TEN_SECONDLY_ROLLING"
    search = post(served, "/crm/v3/objects/deals/search", {})
    assert search.status_code == 200, "searches have a limit of their own"
    assert "X-HubSpot-RateLimit-Max" not in search.headers
    assert post(served, "/crm/v3/objects/deals/search", {}).json()["policyName"] == "SECONDLY"
