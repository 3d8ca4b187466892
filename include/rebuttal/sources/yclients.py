"""YCLIENTS (Altegio abroad): the records of the partners' branches named in `sources.yml` (branch id: partner).

The connection's password is both tokens as the vendor wants them, `<partner_token>, User <user_token>`. Cancelled
records are deleted ones and are asked for. A branch writes in its own words (labels) or in the vendor's (attendance):
the row keeps the word, and what it means is agreed with each partner. Names of clients and staff never land.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import timedelta
from decimal import Decimal
from typing import Any

from rebuttal.errors import ConfigError, CredentialsError, CutBodyError, RebuttalError
from rebuttal.sources.declare import Answer, Page, Request, Restatement, Source, Stream, Window, stamp
from rebuttal.sources.paging import limit_pages
from rebuttal.sources.session import Session

PAGE_ROWS = 300
SECONDS_BETWEEN_CALLS = 0.2  # five calls a second from one address
_HEADERS = {"Accept": "application/vnd.yclients.v2+json"}
_BARE_OFFSET = re.compile(r"([+-]\d\d)(\d\d)$")
# What `attendance` says of a record that is neither deleted nor labelled.
_ATTENDANCE = {"2": "confirmed_by_client", "1": "came", "0": "awaited", "-1": "no_show"}


def pages(session: Session, window: Window) -> Iterator[Page]:
    """All branches, one after the other; what changed within the window."""
    branches, currencies = session.options["branches"], session.options["currencies"]
    if not branches:
        raise ConfigError("sources.yclients.options.branches is empty", next_step="Name the branches and their partner")
    if unknown := sorted(branches.keys() - currencies.keys()):
        raise ConfigError(
            f"sources.yclients.options.currencies lacks branch {unknown[0]}",
            next_step="Records do not say their currency: name the one of each branch",
        )
    for branch, partner in branches.items():
        for page in _pages_of(session, branch, window):
            for item in page.data["data"]:
                if isinstance(item, dict):
                    item["partner_id"], item["currency"] = partner, currencies[branch]
            yield page


def _pages_of(session: Session, branch: str, window: Window) -> Iterator[Page]:
    count, number = 0, 0
    while True:
        number += 1
        request = Request(
            path=f"/api/v1/records/{branch}",
            params={
                "page": str(number),
                "count": str(PAGE_ROWS),
                "changed_after": stamp(window.since),
                "changed_before": stamp(window.until),
                "with_deleted": "1",
            },
            headers=_HEADERS,
            gap=SECONDS_BETWEEN_CALLS,
        )
        page = session.fetch(request)
        rows, meta = page.data["data"], page.data.get("meta")
        total = int(meta.get("total_count") or 0) if isinstance(meta, Mapping) else 0
        if not rows and count < total:
            raise CutBodyError(f"{request.path} gave {count} of {total} records")
        yield page
        count += len(rows)
        if count >= total:
            return
        limit_pages(session, request, number)


def record(item: dict[str, Any]) -> Iterable[dict[str, Any]]:
    """One row a record: its services joined, its cost added up, and the word that stands for its state.

    Some times come with an offset without a colon, which not every engine reads.
    """
    for name in ("create_date", "last_change_date"):
        if isinstance(item.get(name), str):
            item[name] = _BARE_OFFSET.sub(r"\1:\2", item[name])
    services = [one for one in item.pop("services", None) or [] if isinstance(one, dict)]
    item["service"] = ", ".join(str(one.get("title") or one.get("id")) for one in services) or None
    costs = [one.get("cost") for one in services]
    item["cost"] = None if None in costs or not costs else str(sum(Decimal(str(cost)) for cost in costs))
    item["status"] = _word(item)
    item["client"] = item.get("client") or None  # walk-ins have none, or an empty list
    yield item


def _word(item: Mapping[str, Any]) -> str | None:
    labels = [one.get("title") for one in item.get("record_labels") or [] if isinstance(one, dict)]
    if item.get("deleted") is True:
        return "deleted"
    if labels and labels[0]:
        return str(labels[0])
    attendance = item.get("attendance")
    if attendance is None:
        return None
    word = _ATTENDANCE.get(str(attendance), f"attendance:{attendance}")
    if word == "came" and str(item.get("paid_full")) == "1":
        return "paid"
    return "confirmed" if word == "awaited" and str(item.get("confirmed")) == "1" else word


def _explain(answer: Answer) -> RebuttalError | None:
    if answer.status in (401, 403):
        return CredentialsError(
            "YCLIENTS refused the tokens, or they do not open one of the branches",
            next_step="Check the password of the connection (`<partner_token>, User <user_token>`) and the branches",
        )
    return None


SOURCE = Source(
    name="yclients",
    options={"branches": {}, "currencies": {}},
    partner_option="branches",
    explain=_explain,
    is_refusal=lambda body: not isinstance(body, Mapping) or body.get("success") is not True,
    streams=(
        Stream(
            name="bookings",
            entity="booking",
            columns={
                "booking_id": "id",
                "partner_id": "partner_id",
                "service": "service",
                "specialist": "staff_id",
                "starts_at": "datetime",
                "created_at": "create_date",
                "updated_at": "last_change_date",
                "status": "status",
                "attendance": "attendance",
                "is_online": "online",
                "amount": "cost",
                "currency": "currency",
                "archived": "deleted",
            },
            key=("booking_id",),
            cursor="last_change_date",
            restatement=Restatement(timedelta(hours=1), "clocks of branches and of the vendor differ by minutes"),
            slice_days=100,
            personal={"email": "client.email", "phone": "client.phone"},
            ignored=(
                *("company_id", "goods_transactions", "staff", "comer", "clients_count", "date", "comment"),
                *("client.id", "client.name", "client.surname", "client.patronymic", "client.display_name"),
                *("client.card", "client.comment", "client.success_visits_count", "client.fail_visits_count"),
                *("visit_attendance", "confirmed", "seance_length", "length", "api_id", "from_url", "visit_id"),
                *("created_user_id", "paid_full", "prepaid", "payment_status", "record_from", "is_mobile"),
                *("custom_fields", "documents", "record_labels", "activity_id", "technical_break_duration"),
            ),
            pages=pages,
            items=lambda page: page.data["data"],
            shape=record,
        ),
    ),
)
