"""The Metrica face on the wire: logs are asked for, awaited, downloaded in parts, and cleaned."""

from __future__ import annotations

import csv
import io
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import pandas as pd
import pytest
import requests
from small_world import recorded

from sandbox.faces.yandex_metrica_fields import HIT_FIELDS, VISIT_FIELDS, Log, tsv

if TYPE_CHECKING:
    from serving import Serve, Served

TOKEN = {"Authorization": "OAuth sandbox-yandex-metrica-token"}
WEEK = {"date1": "2026-10-05", "date2": "2026-10-11"}
VISITS = {
    **WEEK,
    "source": "visits",
    "fields": "ym:s:visitID,ym:s:dateTime,ym:s:dateTimeUTC,ym:s:goalsID,ym:s:watchIDs",
}
HITS = {**WEEK, "source": "hits", "fields": "ym:pv:watchID,ym:pv:visitID,ym:pv:dateTime,ym:pv:URL,ym:pv:title"}
DAY = date(2026, 10, 5)
MOSCOW = ZoneInfo("Europe/Moscow")


def call(served: Served, method: str, path: str, **parameters: Any) -> requests.Response:
    headers = parameters.pop("headers", TOKEN)
    url = f"{served.url}/yandex-metrica{path}"
    return requests.request(method, url, params=parameters, headers=headers, timeout=30)


def counter(path: str, number: str = "24601337") -> str:
    return f"/management/v1/counter/{number}{path}"


def set_up(served: Served, **settings: Any) -> None:
    face = next(face for face in served.sandbox.faces if face.prefix == "yandex-metrica")
    for name, value in settings.items():
        setattr(face, name, value)


def ready(served: Served, asked: dict[str, str]) -> dict[str, Any]:
    """The request's object once it is processed; looked at no more than ten times, so that no test hangs."""
    made = call(served, "POST", counter("/logrequests"), **asked).json()["log_request"]
    for _ in range(10):
        made = call(served, "GET", counter(f"/logrequest/{made['request_id']}")).json()["log_request"]
        if made["status"] == "processed":
            return made
    raise AssertionError(f"the log never became ready: {made}")


def part(served: Served, made: dict[str, Any], number: int, **more: Any) -> requests.Response:
    return call(served, "GET", counter(f"/logrequest/{made['request_id']}/part/{number}/download"), **more)


def rows(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text, newline=""), delimiter="\t", quoting=csv.QUOTE_NONE))


def refusal(reply: requests.Response) -> str:
    body = reply.json()
    assert (reply.status_code, body["message"]) == (body["code"], body["errors"][0]["message"])
    return str(body["errors"][0]["error_type"])


def test_a_log_goes_its_way(served: Served) -> None:
    assert call(served, "GET", counter("/logrequests/evaluate"), **VISITS).json() == {
        "log_request_evaluation": {"possible": True, "max_possible_day_quantity": 365}
    }
    created = call(served, "POST", counter("/logrequests"), **VISITS).json()["log_request"]
    assert created == {
        "request_id": created["request_id"],
        "counter_id": 24601337,
        "source": "visits",
        **WEEK,
        "fields": VISITS["fields"].split(","),
        "status": "created",
        "size": 0,
        "attribution": "LASTSIGN",
    }
    path = counter(f"/logrequest/{created['request_id']}")
    early = part(served, created, 0)
    assert (early.status_code, early.json()["message"]) == (
        400,
        "Only log of requests in status 'processed' can be downloaded",
    )
    assert call(served, "GET", path).json()["log_request"]["status"] == "created"
    made = call(served, "GET", path).json()["log_request"]
    assert made["status"] == "processed"
    assert made["parts"] == [{"part_number": 0, "size": made["size"]}]
    text = part(served, made, 0)
    assert len(text.content) == made["size"]
    assert len(rows(text.text)) == 41
    assert call(served, "GET", counter("/logrequests")).json()["requests"] == [made]
    cleaned = call(served, "POST", f"{path}/clean").json()["log_request"]
    assert cleaned["status"] == "cleaned_by_user"
    assert "parts" not in cleaned
    assert refusal(part(served, made, 0)) == "invalid_parameter"


@pytest.mark.parametrize(("asked", "key", "count"), [(VISITS, "ym:s:visitID", 41), (HITS, "ym:pv:watchID", 80)])
def test_all_parts_together_give_each_row_once(served: Served, asked: dict[str, str], key: str, count: int) -> None:
    set_up(served, part_rows=15)
    made = ready(served, asked)
    assert len(made["parts"]) == -(-count // 15)
    found = []
    for told in made["parts"]:
        reply = part(served, made, told["part_number"])
        assert reply.text.splitlines()[0].split("\t") == asked["fields"].split(",")
        assert len(reply.content) == told["size"]
        found += [row[key] for row in rows(reply.text)]
    frame = served.sandbox.site.recorded().visits if asked is VISITS else served.sandbox.site.recorded().hits
    assert found == frame["visit_id" if asked is VISITS else "watch_id"].tolist()
    assert len(found) == count
    wrong = part(served, made, len(made["parts"]))
    assert (wrong.status_code, wrong.json()["message"]) == (400, "Incorrect part number")


def test_parts_are_gzipped_for_those_who_take_it(served: Served) -> None:
    made = ready(served, HITS)
    packed = part(served, made, 0)
    plain = part(served, made, 0, headers={**TOKEN, "Accept-Encoding": "identity"})
    assert packed.headers["content-encoding"] == "gzip"
    assert "content-encoding" not in plain.headers
    assert int(packed.headers["content-length"]) < int(plain.headers["content-length"]) == len(plain.content)
    assert packed.content == plain.content


def test_every_field_has_a_value_in_the_counters_zone(served: Served) -> None:
    made = ready(served, {**WEEK, "source": "visits", "fields": ",".join(VISIT_FIELDS)})
    first = rows(part(served, made, 0).text)[0]
    assert first["ym:s:dateTime"] == first["ym:s:dateTimeUTC"] == "2026-10-05 04:00:00"
    assert first["ym:s:date"] == "2026-10-05"
    assert first["ym:s:goalsID"] == "[101]"
    assert first["ym:s:goalsDateTime"] == "['2026-10-05 04:04:00']"
    assert first["ym:s:watchIDs"] == "[9300000000000000000,9300000000000000001]"
    assert (first["ym:s:isNewUser"], first["ym:s:bounce"], first["ym:s:deviceCategory"]) == ("1", "0", "1")
    assert first["ym:s:clientID"] == "17590000000000000000"
    made = ready(served, {**WEEK, "source": "hits", "fields": ",".join(HIT_FIELDS)})
    hit = rows(part(served, made, 0).text)[0]
    assert (hit["ym:pv:UTMSource"], hit["ym:pv:UTMCampaign"], hit["ym:pv:UTMTerm"]) == ("google", "g_0", "")
    assert (hit["ym:pv:title"], hit["ym:pv:isPageView"]) == ("Курсы — бренд", "1")


def test_days_are_the_counters_days(served: Served) -> None:
    shown = served.sandbox.site.recorded().visits
    found = []
    for day in range(5, 12):
        made = ready(served, {**VISITS, "date1": f"2026-10-{day:02d}", "date2": f"2026-10-{day:02d}"})
        times = [row["ym:s:dateTime"] for row in rows(part(served, made, 0).text)]
        assert {time[:10] for time in times} == {f"2026-10-{day:02d}"}
        found += times
    assert found == [f"{at.tz_convert(MOSCOW):%Y-%m-%d %H:%M:%S}" for at in shown["started_at"]]


def test_a_log_without_rows_is_a_part_with_names_only(served: Served) -> None:
    made = ready(served, {**VISITS, "date1": "2026-01-01", "date2": "2026-01-02"})
    assert len(made["parts"]) == 1
    assert part(served, made, 0).text == VISITS["fields"].replace(",", "\t") + "\n"


@pytest.mark.parametrize(
    ("change", "parameter"),
    [
        ({"date2": "2026-10-12"}, "date2"),
        ({"date1": "2026-10-11", "date2": "2026-10-05"}, "date1"),
        ({"date1": "2025-01-01"}, "date1"),
        ({"date1": "5daysAgo"}, "date1"),
        ({"fields": ""}, "fields"),
        ({"fields": "ym:s:visitID,ym:pv:URL"}, "fields"),
        ({"fields": "ym:s:visitID,ym:s:visitID"}, "fields"),
        ({"fields": "ym:s:visitID," + "ym:s:pageViews," * 200}, "fields"),
        ({"fields": "ym:s:middleTrafficSource"}, "fields"),
        ({"source": "sessions"}, "source"),
        ({"attribution": "best"}, "attribution"),
    ],
)
def test_wrong_parameters_are_named(served: Served, change: dict[str, str], parameter: str) -> None:
    for method, path in (("POST", "/logrequests"), ("GET", "/logrequests/evaluate")):
        reply = call(served, method, counter(path), **{**VISITS, **change})
        assert reply.status_code == 400
        assert refusal(reply) == "invalid_parameter"
        assert reply.json()["errors"][0]["location"] == parameter


def test_a_waiting_log_can_be_called_off_and_a_ready_one_cannot(served: Served) -> None:
    made = call(served, "POST", counter("/logrequests"), **VISITS).json()["log_request"]
    path = counter(f"/logrequest/{made['request_id']}")
    assert refusal(call(served, "POST", f"{path}/clean")) == "invalid_parameter"
    assert call(served, "POST", f"{path}/cancel").json()["log_request"]["status"] == "canceled"
    assert call(served, "GET", path).json()["log_request"]["status"] == "canceled"
    finished = ready(served, VISITS)
    assert call(served, "POST", counter(f"/logrequest/{finished['request_id']}/cancel")).status_code == 400
    assert call(served, "GET", counter("/logrequest/7")).status_code == 404


def test_prepared_logs_fill_the_counters_space_until_they_are_cleaned(served: Served) -> None:
    set_up(served, quota_bytes=1000)
    made = ready(served, VISITS)
    assert made["size"] > 1000
    assert call(served, "POST", counter("/logrequests"), **VISITS).status_code == 400
    evaluation = call(served, "GET", counter("/logrequests/evaluate"), **VISITS).json()["log_request_evaluation"]
    assert evaluation["possible"] is False
    call(served, "POST", counter(f"/logrequest/{made['request_id']}/clean"))
    assert call(served, "POST", counter("/logrequests"), **VISITS).status_code == 200


@pytest.mark.parametrize(("token", "status"), [(None, 401), ("OAuth wrong", 403), ("Basic x", 403)])
def test_without_the_token_nothing_is_told(served: Served, token: str | None, status: int) -> None:
    headers = {"Authorization": token} if token else {}
    for path in (counter("/logrequests"), "/stat/v1/data", "/management/v1/counters"):
        reply = call(served, "GET", path, headers=headers)
        assert reply.status_code == status
        assert refusal(reply) == "invalid_token"


def test_the_token_may_be_a_bearer_and_reaches_our_counter_only(served: Served) -> None:
    bearer = {"Authorization": "Bearer sandbox-yandex-metrica-token"}
    told = call(served, "GET", counter(""), headers=bearer).json()["counter"]
    assert (told["id"], told["time_zone_name"]) == (24601337, "Europe/Moscow")
    assert refusal(call(served, "GET", counter("/logrequests", "7"))) == "access_denied"
    assert call(served, "GET", "/management/v1/counters").json()["counters"] == [told]


def test_above_the_limit_metrica_does_not_say_when(serve: Serve) -> None:
    served = serve(rate_factor=0.0001)
    for path, kind in ((counter("/logrequests"), "quota_requests_by_ip"), ("/stat/v1/data", "quota_requests_by_uid")):
        parameters = {"ids": "24601337", "metrics": "ym:s:visits", **WEEK}
        assert call(served, "GET", path, **parameters).status_code == 200
        reply = call(served, "GET", path, **parameters)
        assert reply.status_code == 429
        assert refusal(reply) == kind
        assert "retry-after" not in reply.headers


def test_the_report_counts_a_visit_once_and_pages_from_one(served: Served) -> None:
    asked = {"ids": "24601337", "metrics": "ym:s:visits,ym:s:users", "dimensions": "ym:s:date", **WEEK}
    whole = call(served, "GET", "/stat/v1/data", **asked, sort="ym:s:date").json()
    assert whole["total_rows"] == 7
    assert whole["totals"] == [40.0, 25.0]
    assert sum(row["metrics"][0] for row in whole["data"]) == 40
    assert whole["data"][0] == {"dimensions": [{"name": "2026-10-05"}], "metrics": [5.0, 5.0]}
    paged = []
    for offset in (1, 4, 7):
        page = call(served, "GET", "/stat/v1/data", **asked, sort="ym:s:date", limit=3, offset=offset).json()
        paged += page["data"]
    assert paged == whole["data"]
    by_source = call(served, "GET", "/stat/v1/data", **{**asked, "dimensions": "ym:s:lastTrafficSource"}).json()
    labels = {row["dimensions"][0]["id"]: row["metrics"][0] for row in by_source["data"]}
    assert labels == {"organic": 30.0, "ad": 10.0}
    assert refusal(call(served, "GET", "/stat/v1/data", **asked, offset=0)) == "invalid_parameter"
    assert refusal(call(served, "GET", "/stat/v1/data", **{**asked, "metrics": "ym:s:joy"})) == "invalid_parameter"
    assert refusal(call(served, "GET", "/stat/v1/data", **{**asked, "ids": "7"})) == "access_denied"


def test_attribution_looks_back_over_direct_visits() -> None:
    shown = recorded()
    visits = shown.visits.iloc[:4].copy()
    visits["client_id"] = ["1", "1", "1", "2"]
    visits["traffic_source"] = ["ad", "organic", "direct", "direct"]
    visits["utm_campaign"] = ["one", "two", "", ""]
    visits["started_at"] = pd.to_datetime([datetime(2026, 10, 5, hour, tzinfo=UTC) for hour in (1, 2, 3, 4)])
    shown = type(shown)(**{**vars(shown), "visits": visits})
    log = Log(shown, "24601337", MOSCOW)
    later = log.rows("visits", DAY, DAY).iloc[1:]
    models = {}
    for model in ("last", "lastsign", "first", "last_yandex_direct_click", "cross_device_first"):
        pairs = [list(log.column(f"ym:s:{model}{name}", later, "last")) for name in ("TrafficSource", "UTMCampaign")]
        models[model] = list(zip(*pairs, strict=True))
    assert models["last"] == [("organic", "two"), ("direct", ""), ("direct", "")]
    assert models["lastsign"] == [("organic", "two"), ("organic", "two"), ("direct", "")]
    assert models["first"] == models["cross_device_first"] == [("ad", "one"), ("ad", "one"), ("direct", "")]
    assert models["last_yandex_direct_click"] == models["lastsign"]
    assert list(log.column("ym:s:<attribution>UTMCampaign", later, "lastsign")) == ["two", "two", ""]


def test_tabs_and_line_ends_in_text_do_not_break_rows() -> None:
    shown = recorded()
    hits = shown.hits.head(2).assign(title=["a\tb\nc\\d", None])
    shown = type(shown)(**{**vars(shown), "hits": hits})
    log = Log(shown, "24601337", MOSCOW)
    text = tsv(log, ["ym:pv:watchID", "ym:pv:title"], log.rows("hits", DAY, DAY), "last").decode()
    assert text.splitlines()[1:] == [
        "9300000000000000000\ta\\tb\\nc\\\\d",
        "9300000000000000001\t",
    ]
