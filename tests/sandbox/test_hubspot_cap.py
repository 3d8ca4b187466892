"""The cap of 10,000 hits needs more objects than the small world has."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import requests
from serving import Serve
from small_world import SmallWorld, at, crm_object, recorded

DEALS = 10_450


@pytest.fixture
def large() -> SmallWorld:
    shown = recorded()
    deals = [crm_object(1000 + n, at(5), at(6), {"dealname": f"Deal {n}"}) for n in range(DEALS)]
    return SmallWorld(replace(shown, crm={**shown.crm, "deals": deals}))


def test_search_ends_at_the_cap_and_goes_on_by_id(serve: Serve, large: SmallWorld) -> None:
    served = serve(large)

    def search(**request: Any) -> requests.Response:
        sort = [{"propertyName": "hs_object_id", "direction": "ASCENDING"}]
        return requests.post(
            f"{served.url}/hubspot/crm/v3/objects/deals/search",
            json={"limit": 200, "sorts": sort, **request},
            headers={"Authorization": "Bearer sandbox-hubspot-token"},
            timeout=60,
        )

    ids: list[str] = []
    after: str | None = None
    while len(ids) < 10_000:
        page = search(**({"after": after} if after else {})).json()
        assert page["total"] == DEALS
        ids += [deal["id"] for deal in page["results"]]
        after = page["paging"]["next"]["after"]
    beyond = search(after=after)
    assert after == "10000"
    assert beyond.status_code == 400
    last = {"filters": [{"propertyName": "hs_object_id", "operator": "GT", "value": ids[-1]}]}
    rest = search(filterGroups=[last])
    assert rest.json()["total"] == DEALS - 10_000
    assert len(set(ids)) == 10_000
