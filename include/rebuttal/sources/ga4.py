"""GA4: sessions per property-local day, source, medium, campaign and device, by the Data API's `runReport`.

The connection's extra has `property` (digits). Users of rows never add up to users of a day, so only the other metrics
are compared with the vendor's totals, and none where it says that it withheld or folded away rows.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import timedelta
from decimal import Decimal
from typing import Any

from rebuttal.sources.declare import Page, Request, Restatement, Source, Stream, Window
from rebuttal.sources.paging import by_offset
from rebuttal.sources.session import Session

PAGE_ROWS = 100_000
DIMENSIONS = {
    "date": "date",
    "session_source": "sessionSource",
    "session_medium": "sessionMedium",
    "session_campaign": "sessionCampaignName",
    "device": "deviceCategory",
}
METRICS = {
    "sessions": "sessions",
    "engaged_sessions": "engagedSessions",
    "total_users": "totalUsers",
    "key_events": "keyEvents",
}
_ADD_UP = ("sessions", "engaged_sessions", "key_events")


def pages(session: Session, window: Window) -> Iterator[Page]:
    """Pages by offset, in a stable order."""
    request = Request(
        path=f"/v1beta/properties/{session.account}:runReport",
        method="POST",
        json={
            "dateRanges": [{"startDate": str(window.first_date), "endDate": str(window.last_date)}],
            "dimensions": [{"name": name} for name in DIMENSIONS.values()],
            "metrics": [{"name": name} for name in METRICS.values()],
            "metricAggregations": ["TOTAL"],
            "orderBys": [{"dimension": {"dimensionName": name}} for name in DIMENSIONS.values()],
        },
    )
    is_estimated = False
    for page in by_offset(session, request, limit=PAGE_ROWS, rows="rows", total="rowCount"):
        if _is_estimated(page):
            is_estimated = True
            session.note(f"ga4.traffic {window}: the vendor says that these numbers are sampled or incomplete")
        session.totals.update(_totals(page.data))
        yield page
    if is_estimated:
        session.totals.clear()


def _totals(data: Any) -> dict[str, Decimal]:
    """The row of totals, which each page has for the whole report; a report without rows has none, and adds up to 0."""
    if not data.get("totals"):
        return {} if data.get("rowCount") else dict.fromkeys(_ADD_UP, Decimal(0))
    names = [header["name"] for header in data["metricHeaders"]]
    found = dict(zip(names, data["totals"][0]["metricValues"], strict=True))
    return {measure: Decimal(found[METRICS[measure]]["value"]) for measure in _ADD_UP}


def _is_estimated(page: Page) -> bool:
    """Whether the numbers are sampled, withheld for small groups, or folded into a row `(other)`."""
    metadata = page.data.get("metadata") or {}
    return any(metadata.get(flag) for flag in ("samplingMetadatas", "subjectToThresholding", "dataLossFromOtherRow"))


def rows(page: Page) -> Iterable[Any]:
    """Positional values named by the headers. An empty report has headers and metadata but no rows."""
    names = [header["name"] for part in ("dimensionHeaders", "metricHeaders") for header in page.data[part]]
    if set(names) != {*DIMENSIONS.values(), *METRICS.values()}:
        raise KeyError("dimensionHeaders")
    for row in page.data.get("rows") or []:
        if not isinstance(row, dict):
            yield row
            continue
        cells = [*row["dimensionValues"], *row["metricValues"]]
        yield {name: cell.get("value") for name, cell in zip(names, cells, strict=True)}


def account_facts(session: Session, page: Page) -> Mapping[str, str]:
    """The property, and what the report says once: its time zone, currency, and whether it is an estimate."""
    zone = (page.data.get("metadata") or {}).get("timeZone")
    estimated = {"is_estimated": "true"} if _is_estimated(page) else {}
    return {"property": session.account, **({"time_zone": zone} if zone else {})} | _currency(page.data) | estimated


def _currency(data: Any) -> dict[str, str]:
    currency = (data.get("metadata") or {}).get("currencyCode")
    return {"currency": currency} if currency else {}


SOURCE = Source(
    name="ga4",
    account_option="property",
    streams=(
        Stream(
            name="traffic",
            entity="traffic",
            columns={
                "date": "date",
                "property": "property",
                "time_zone": "timeZone",
                "currency": "currencyCode",
                "is_estimated": "isEstimated",
                **{name: path for name, path in (DIMENSIONS | METRICS).items() if name != "date"},
            },
            key=("date", "session_source", "session_medium", "session_campaign", "device"),
            cursor="date",
            by_day=True,
            slice_days=92,
            restatement=Restatement(timedelta(days=2), "GA4 processes a day for up to 48 hours"),
            pages=pages,
            items=rows,
            constants=account_facts,
        ),
    ),
)
