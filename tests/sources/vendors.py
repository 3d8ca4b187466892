"""Seven small vendors on the wire, each with numbered rows over several pages: enough to hold the contract suite."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.sources.wire import Call, Reply, Wire

NOW = datetime(2026, 11, 1, tzinfo=UTC)
CANARY_TOKEN = "canary-token-7f3a91"
CANARY_EMAIL = "kateryna.canary@mail-canary.com"
CANARY_PHONE = "+380671112299"
CANARY_NAME = "Kateryna-Canary"
DAYS = [(NOW - timedelta(days=back)).date().isoformat() for back in (3, 2, 1)]


@dataclass
class Vendor:
    """A source's fake: how to route it, what it holds (stream -> ids that must land), and its own throttle."""

    source: str
    extra: dict[str, Any]
    route: Callable[[Wire, Vendor], None]
    expected: dict[str, set[str]]  # stream -> values of the key's last column
    throttle: Reply
    data: dict[str, list[Any]] = field(default_factory=dict)


def _google(wire: Wire, vendor: Vendor) -> None:
    vendor.data["rows"] = [
        {
            "customer": {"id": "111", "timeZone": "Europe/Kyiv", "currencyCode": "EUR"},
            "campaign": {"id": "22", "name": "Brand", "status": "ENABLED", "finalUrlSuffix": "utm_campaign=brand"},
            "adGroup": {"id": "33", "name": "Core"},
            "adGroupAd": {"ad": {"id": str(9007199254740993 + number), "finalUrls": ["https://shop.test/a", "b"]}},
            "segments": {"date": DAYS[number % 3]},
            "metrics": {"impressions": "1200", "clicks": "37", "costMicros": "18450000", "conversions": 2.50},
        }
        for number in range(7)
    ]

    vendor.data["clicks"] = [
        {
            "customer": {"id": "111"},
            "campaign": {"id": "22"},
            "adGroup": {"id": "33"},
            "clickView": {"gclid": f"Cj0KC-{number}", "adGroupAd": f"customers/111/adGroupAds/33~{number}"},
            "segments": {"date": DAYS[number % 3]},
        }
        for number in range(7)
    ]

    def clicks(call: Call) -> Reply:
        day = call.json()["query"].split("segments.date = '")[1].split("'")[0]
        rows = [row for row in vendor.data["clicks"] if row["segments"]["date"] == day]
        return Reply.of({"fieldMask": "segments.date", "totalResultsCount": str(len(rows)), "results": rows})

    def search(call: Call) -> Reply:
        if "FROM click_view" in call.json()["query"]:
            return clicks(call)
        start = int(call.json().get("pageToken", "p0")[1:])
        first, last = call.json()["query"].split("BETWEEN '")[1].split("'")[0], call.json()["query"].split("'")[3]
        rows = [row for row in vendor.data["rows"] if first <= row["segments"]["date"] <= last]
        data: dict[str, Any] = {"fieldMask": "segments.date", "totalResultsCount": str(len(rows))}
        if rows[start : start + 3]:
            data["results"] = rows[start : start + 3]
        if start + 3 < len(rows):
            data["nextPageToken"] = f"p{start + 3}"
        return Reply.of(data)

    wire.on("POST", r"/v26/customers/111/googleAds:search", search)


def _direct(wire: Wire, vendor: Vendor) -> None:
    names: list[str] = []
    vendor.data["rows"] = [[DAYS[n % 3], "22", "Бренд", "33", "Core", str(9007199254740993 + n)] for n in range(5)]

    def report(call: Call) -> Reply:
        definition = call.json()["params"]
        if definition["ReportName"] not in names:
            names.append(definition["ReportName"])
            return Reply(b"", 201, headers={"retryIn": "0"})
        span = definition["SelectionCriteria"]
        rows = [row for row in vendor.data["rows"] if span["DateFrom"] <= row[0] <= span["DateTo"]]
        lines = ["\t".join(definition["FieldNames"])]
        if definition["ReportType"] == "ACCOUNT_PERFORMANCE_REPORT":
            sums = ["\t".join(str(len(rows) * each) for each in (1200, 37, 18450000))] if rows else []
            text = "\n".join([*lines, *sums, f"Total rows: {len(sums)}", ""])
            return Reply(text.encode(), content_type="text/tab-separated-values")
        lines += ["\t".join([*row, "1200", "37", "18450000", "--", "--"]) for row in rows]
        lines += [f"Total rows: {len(rows)}", ""]
        return Reply("\n".join(lines).encode(), content_type="text/tab-separated-values")

    wire.on("POST", r"/json/v5/reports", report)


def _metrica(wire: Wire, vendor: Vendor) -> None:
    vendor.data["cleaned"] = []
    requests: list[dict[str, str]] = []

    def create(call: Call) -> Reply:
        requests.append(call.query)
        return Reply.of({"log_request": {"request_id": len(requests), "status": "created"}})

    def status(call: Call) -> Reply:
        parts = [{"part_number": number} for number in (0, 1)]
        number = int(call.path.rsplit("/", 1)[1])
        return Reply.of({"log_request": {"request_id": number, "status": "processed", "parts": parts}})

    def download(call: Call) -> Reply:
        asked = requests[int(call.path.split("/")[-4]) - 1]
        fields, part = asked["fields"].split(","), int(call.path.split("/")[-2])
        lines = ["\t".join(fields)]
        for number in (0, 1, 2):
            moment = f"{DAYS[number]} 10:00:00"
            values = {"visitID": str(18446744073709551000 + number * 2 + part), "counterID": "246", "title": "a\\tb"}
            values |= {"watchID": values["visitID"], "dateTime": moment, "dateTimeUTC": moment, "goalsID": "[1,2]"}
            if asked["date1"] <= DAYS[number] <= asked["date2"]:
                lines.append("\t".join(values.get(name.rsplit(":", 1)[1], "") for name in fields))
        return Reply(("\n".join(lines) + "\n").encode(), content_type="text/tab-separated-values")

    def clean(call: Call) -> Reply:
        vendor.data["cleaned"].append(call.path)
        return Reply.of({"log_request": {"status": "cleaned_by_user"}})

    def count(call: Call) -> Reply:
        days = [day for day in DAYS[:3] if call.query["date1"] <= day <= call.query["date2"]]
        return Reply.of({"totals": [2.0 * len(days)], "sampled": False})

    wire.on("GET", "/stat/v1/data", count)
    wire.on("GET", "/management/v1/counter/246", lambda _: Reply.of({"counter": {"time_zone_name": "Asia/Almaty"}}))
    base = "/management/v1/counter/246/logrequest"
    wire.on("POST", f"{base}s", create)
    wire.on("GET", rf"{base}/\d+", status)
    wire.on("GET", rf"{base}/\d+/part/\d+/download", download)
    wire.on("POST", rf"{base}/\d+/clean", clean)


def _ga4(wire: Wire, vendor: Vendor) -> None:
    vendor.data["rows"] = [[DAYS[n % 3].replace("-", ""), "google", "cpc", f"campaign {n}", "mobile"] for n in range(7)]

    def report(call: Call) -> Reply:
        asked = call.json()
        span = {key: value.replace("-", "") for key, value in asked["dateRanges"][0].items()}
        rows = [row for row in vendor.data["rows"] if span["startDate"] <= row[0] <= span["endDate"]]
        start = int(asked["offset"])
        data: dict[str, Any] = {
            "dimensionHeaders": asked["dimensions"],
            "metricHeaders": asked["metrics"],
            "metadata": {"currencyCode": "EUR", "timeZone": "Europe/Kyiv"},
            "kind": "analyticsData#runReport",
        }
        if rows:
            data["rowCount"] = len(rows)
            data["totals"] = [{"metricValues": [{"value": str(4 * len(rows))}] * 4}]
            data["rows"] = [
                {"dimensionValues": [{"value": v} for v in row], "metricValues": [{"value": "4"}] * 4}
                for row in rows[start : start + 3]  # fewer than asked for: GA4 may do so
            ]
        return Reply.of(data)

    wire.on("POST", r"/v1beta/properties/314:runReport", report)


def _hubspot(wire: Wire, vendor: Vendor) -> None:
    base = NOW - timedelta(days=20)
    properties = {
        "email": CANARY_EMAIL,
        "phone": CANARY_PHONE,
        "firstname": CANARY_NAME,
        "dealstage": "won",
        "amount": "1",
    }
    vendor.data["objects"] = [
        {
            "id": str(700 + number),
            "createdAt": "2026-10-01T00:00:00.000Z",
            "updatedAt": (base + timedelta(minutes=number)).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "archived": False,
            "properties": properties,
        }
        for number in range(250)
    ]
    gone = {**vendor.data["objects"][0], "id": "9001", "archived": True, "archivedAt": "2026-10-20T10:00:00.000Z"}

    def search(call: Call) -> Reply:
        asked = call.json()
        since, until, above = (int(one["value"]) for one in asked["filterGroups"][0]["filters"])
        hits = [
            one
            for one in vendor.data["objects"]
            if since <= datetime.fromisoformat(one["updatedAt"]).timestamp() * 1000 < until and int(one["id"]) > above
        ]
        page = hits[: asked["limit"]]
        shown = [
            {**one, "properties": {k: v for k, v in one["properties"].items() if k in asked["properties"]}}
            for one in page
        ]
        return Reply.of({"total": len(hits), "results": shown})

    def with_history(one: dict[str, Any], name: str) -> dict[str, Any]:
        stages = [("won", "2026-10-12T00:00:00Z"), ("new", "2026-10-11T00:00:00Z")]
        versions = [{"value": value, "timestamp": at, "sourceType": "CRM_UI"} for value, at in stages]
        # A property that was emptied has a version that says nothing.
        versions.append({"value": "", "timestamp": "2026-10-10T00:00:00Z", "sourceType": "CRM_UI"})
        return {**one, "propertiesWithHistory": {name: versions}}

    def read(call: Call) -> Reply:
        ids = {one["id"] for one in call.json()["inputs"]}
        if len(ids) > 50:
            return Reply.of({"status": "error", "category": "VALIDATION_ERROR"}, 400)
        (name,) = call.json()["propertiesWithHistory"]
        found = [with_history(one, name) for one in vendor.data["objects"] if one["id"] in ids]
        return Reply.of({"status": "COMPLETE", "results": found})

    def links(call: Call) -> Reply:
        ids = [one["id"] for one in call.json()["inputs"]]
        results = [{"from": {"id": one}, "to": [{"toObjectId": 31}, {"toObjectId": "30"}]} for one in ids[1:]]
        return Reply.of({"status": "COMPLETE", "results": results, "errors": [{"category": "OBJECT_NOT_FOUND"}]}, 207)

    def listed(call: Call) -> Reply:
        assert call.query["archived"] == "true"
        asked = {name: value for name, value in properties.items() if name in call.query.get("properties", "")}
        one = {**gone, "properties": asked}
        name = call.query.get("propertiesWithHistory")
        return Reply.of({"results": [with_history(one, name) if name else one]})

    def owners(call: Call) -> Reply:
        if call.query["archived"] == "true":
            return Reply.of({"results": []})
        start = int(call.query.get("after", "0"))
        people = [
            {"id": str(number), "email": CANARY_EMAIL, "firstName": CANARY_NAME, "archived": False}
            | {
                "teams": [{"id": "1", "name": "B"}, {"id": "2", "name": "A", "primary": True}],
                "updatedAt": "2026-01-01T00:00:00Z",
            }
            for number in range(5)
        ]
        data: dict[str, Any] = {"results": people[start : start + 2]}
        if start + 2 < 5:
            data["paging"] = {"next": {"after": str(start + 2), "link": "https://evil.example/owners"}}
        return Reply.of(data)

    def pipelines(_: Call) -> Reply:
        stages = [{"id": s, "label": s, "displayOrder": 1, "metadata": {"isClosed": "true"}} for s in ("won", "lost")]
        return Reply.of({"results": [{"id": "default", "label": "Sales", "stages": stages}]})

    wire.on("POST", r"/crm/v3/objects/\w+/search", search)
    wire.on("POST", r"/crm/v3/objects/\w+/batch/read", read)
    wire.on("POST", r"/crm/v4/associations/\w+/\w+/batch/read", links)
    wire.on("GET", r"/crm/v3/objects/\w+", listed)
    wire.on("GET", r"/crm/v3/owners", owners)
    wire.on("GET", r"/crm/v3/pipelines/deals", pipelines)


def _typeform(wire: Wire, vendor: Vendor) -> None:
    vendor.data["responses"] = [
        {
            "token": f"t{number}",
            "landed_at": "2026-10-20T10:00:00Z",
            "submitted_at": f"2026-10-{20 + number}T10:02:00Z",
            "hidden": {"deal_id": "512", "email": CANARY_EMAIL},
            "metadata": {"user_agent": CANARY_NAME},
            "answers": [
                {"field": {"ref": "nps"}, "type": "number", "number": 9},
                {"field": {"ref": "reason"}, "type": "choice", "choice": {"label": "Price"}},
                {"field": {"ref": "comment"}, "type": "text", "text": "дорого 💸"},
                {"field": {"ref": "email"}, "type": "email", "email": CANARY_EMAIL},
            ],
        }
        for number in range(5)
    ]

    def responses(call: Call) -> Reply:
        found = [
            one
            for one in reversed(vendor.data["responses"])
            if call.query["since"] <= one["submitted_at"] < call.query["until"]
        ]
        before = call.query.get("before")
        if before:
            found = found[[one["token"] for one in found].index(before) + 1 :]
        return Reply.of({"total_items": len(found), "page_count": 1, "items": found[:2]})

    wire.on("GET", r"/forms/nps7Qx/responses", responses)
    for form in ("lost3Kd", "exitZ9m"):
        wire.on("GET", f"/forms/{form}/responses", lambda _: Reply.of({"total_items": 0, "page_count": 0, "items": []}))


def _yclients(wire: Wire, vendor: Vendor) -> None:
    vendor.data["records"] = [
        {
            "id": 5000 + number,
            "company_id": 101 + number % 2,
            "staff_id": 9,
            "staff": {"id": 9, "name": CANARY_NAME},
            "services": [{"id": 1, "title": "Cut", "cost": 100}, {"id": 2, "title": "Colour", "cost": 20.5}],
            # Walk-ins have no client, or an empty list in its place.
            "client": ({"id": 5, "name": CANARY_NAME, "phone": CANARY_PHONE, "email": CANARY_EMAIL}, None, [])[
                number % 3
            ],
            "date": "2026-10-20 12:00:00",
            "datetime": "2026-10-20T12:00:00+03:00",
            "create_date": "2026-10-18T10:00:00+0300",
            "last_change_date": f"2026-10-{20 + number}T13:00:00+0300",
            "attendance": 1,
            "confirmed": 1,
            "deleted": False,
            "paid_full": 0,
            "record_labels": [],
        }
        for number in range(7)
    ]

    def records(call: Call) -> Reply:
        assert call.query["with_deleted"] == "1"
        since, until = (datetime.fromisoformat(call.query[name]) for name in ("changed_after", "changed_before"))
        found = [
            one
            for one in vendor.data["records"]
            if call.path.endswith(f"/{one['company_id']}")
            and since <= datetime.fromisoformat(one["last_change_date"]) < until
        ]
        start = (int(call.query["page"]) - 1) * 2
        meta: Any = {"page": int(call.query["page"]), "total_count": len(found)} if found else []
        return Reply.of({"success": True, "data": found[start : start + 2], "meta": meta})

    wire.on("GET", r"/api/v1/records/10[12]", records)


def _numbers(first: int, count: int) -> set[str]:
    return {str(first + number) for number in range(count)}


def vendors() -> dict[str, Vendor]:
    """New fakes by source name."""
    quota = {
        "error": {
            "code": 429,
            "details": [
                {
                    "errors": [
                        {
                            "errorCode": {"quotaError": "RESOURCE_TEMPORARILY_EXHAUSTED"},
                            "details": {"quotaErrorDetails": {"retryDelay": "0.2s"}},
                        }
                    ]
                }
            ],
        }
    }
    objects = _numbers(700, 250) | {"9001"}
    crm = dict.fromkeys(("companies", "contacts", "deals", "notes", "calls"), objects)
    crm |= {"pipelines": {"won", "lost"}, "owners": _numbers(0, 5), "deal_stage_changes": {"won", "new"}}
    crm["contact_stage_changes"] = {"won", "new"}
    visits = _numbers(18446744073709551000, 6)
    limit = {"errors": [{"error_type": "quota_requests_by_ip"}], "code": 420}
    made = (
        Vendor(
            "google_ads",
            {"customer_id": "111", "version": "v26"},
            _google,
            {"ad_performance": _numbers(9007199254740993, 7)},
            Reply.of(quota, 429),
        ),
        Vendor(
            "yandex_direct",
            {"client_login": "brand"},
            _direct,
            {"ad_performance": _numbers(9007199254740993, 5)},
            Reply.of({"error": {"error_code": 56, "error_string": "x"}}, 400),
        ),
        Vendor(
            "yandex_metrica", {"counter": "246"}, _metrica, {"visits": visits, "hits": visits}, Reply.of(limit, 420)
        ),
        Vendor(
            "ga4",
            {"property": "314"},
            _ga4,
            {"traffic": {f"campaign {number}" for number in range(7)}},
            Reply.of({"error": {"code": 429, "status": "RESOURCE_EXHAUSTED"}}, 429),
        ),
        Vendor(
            "hubspot",
            {"portal": "86"},
            _hubspot,
            crm,
            Reply.of({"status": "error", "policyName": "SECONDLY"}, 429, **{"Retry-After": "0.2"}),
        ),
        Vendor(
            "typeform",
            {},
            _typeform,
            {"responses": {f"t{number}" for number in range(5)}},
            Reply.of({"code": "RATE_LIMIT"}, 429),
        ),
        Vendor(
            "yclients",
            {},
            _yclients,
            {"bookings": _numbers(5000, 7)},
            Reply.of({"success": False, "data": None, "meta": {"message": "limit"}}, 429),
        ),
    )
    return {vendor.source: vendor for vendor in made}
