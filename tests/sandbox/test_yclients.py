"""YCLIENTS as its clients meet it: double token, pages, deleted records only when asked for, local times."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

import pytest
import requests
from serving import Served, start
from worlds import truth, world

TOKENS = "Bearer sandbox-yclients-partner, User sandbox-yclients-user"
ACCEPT = "application/vnd.yclients.v2+json"


@pytest.fixture(scope="module")
def salons() -> Iterator[Served]:
    served = start(world())
    yield served
    served.stop()


def get(served: Served, path: str, *, tokens: str = TOKENS, accept: str = ACCEPT, **query: Any) -> requests.Response:
    headers = {"Authorization": tokens, "Accept": accept}
    return requests.get(f"{served.url}/yclients/api/v1{path}", params=query, headers=headers, timeout=30)


def everything(served: Served, company: int, **query: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for page in range(1, 100):
        answer = get(served, f"/records/{company}", page=page, count=40, **query).json()
        assert answer["success"] is True
        found += answer["data"]
        if len(found) >= (answer["meta"] or {"total_count": 0})["total_count"]:
            return found
    raise AssertionError("the pages do not end")


def companies() -> list[int]:
    return [row["company_id"] for row in truth()["partners"] if row["is_online"]]


def test_tokens_are_asked_for_one_by_one(salons: Served) -> None:
    path = f"/records/{companies()[0]}"
    refused = get(salons, path, tokens="")
    assert (refused.status_code, refused.json()["success"], refused.json()["data"]) == (401, False, None)
    assert get(salons, path, tokens="Bearer sandbox-yclients-partner").status_code == 403
    assert get(salons, path, tokens="Bearer other, User sandbox-yclients-user").status_code == 401
    assert get(salons, path, accept="application/json").status_code == 400
    assert get(salons, "/records/1").status_code == 403
    assert get(salons, path).status_code == 200
    log_in = requests.post(
        f"{salons.url}/yclients/api/v1/auth", json={"login": "a", "password": "b"},
        headers={"Authorization": "Bearer sandbox-yclients-partner"}, timeout=30,
    )  # fmt: skip
    assert log_in.json()["data"]["user_token"] == "sandbox-yclients-user"


def test_every_record_is_on_one_page_and_says_what_the_book_says(salons: Served) -> None:
    booked = {one.id: one for one in world().recorded().bookings}
    shown = {row["id"]: row for company in companies() for row in everything(salons, company, with_deleted=1)}
    assert shown.keys() == booked.keys()
    for key, row in shown.items():
        one = booked[key]
        assert datetime.fromisoformat(row["datetime"]) == one.starts_at
        assert row["datetime"].startswith(row["date"].replace(" ", "T"))
        assert datetime.fromisoformat(row["last_change_date"]) == one.changed_at
        assert (row["attendance"], row["deleted"], row["confirmed"]) == (
            one.attendance, one.is_deleted, int(one.is_confirmed),
        )  # fmt: skip
        assert [label["title"] for label in row["record_labels"]] == [one.label] * bool(one.label)
        assert round(row["services"][0]["cost"] * 100) == one.service[2]
        assert (row["client"] is None) == (one.client is None)


def test_deleted_records_come_only_when_asked_for(salons: Served) -> None:
    gone = 0
    for company in companies():
        living, both = everything(salons, company), everything(salons, company, with_deleted=1)
        assert not any(row["deleted"] for row in living)
        assert [row for row in both if not row["deleted"]] == living
        gone += len(both) - len(living)
    assert gone > 10


def test_changed_after_and_before_part_the_records(salons: Served) -> None:
    company = companies()[0]
    split = "2026-10-10T00:00:00Z"
    early = everything(salons, company, with_deleted=1, changed_before=split)
    late = everything(salons, company, with_deleted=1, changed_after=split)
    assert early
    assert late
    both = [row["id"] for row in everything(salons, company, with_deleted=1)]
    assert sorted(row["id"] for row in early + late) == sorted(both)
    assert all(datetime.fromisoformat(row["last_change_date"]) >= datetime.fromisoformat(split) for row in late)


def test_an_empty_answer_has_no_meta_and_a_record_can_be_had_alone(salons: Served) -> None:
    company = companies()[0]
    nothing = get(salons, f"/records/{company}", start_date="2030-01-01").json()
    assert nothing == {"success": True, "data": [], "meta": []}
    one = everything(salons, company)[0]
    assert get(salons, f"/record/{company}/{one['id']}").json()["data"] == one
    assert get(salons, f"/record/{company}/1").status_code == 404
    assert get(salons, f"/records/{company}", count=500).status_code == 422
