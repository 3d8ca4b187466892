"""Yandex Metrica: visits and hits, by the Logs API (asynchronous: ask, wait, download parts, clean up).

The connection's extra has `counter`. Days are those of the counter's time zone; the vendor's `dateTimeUTC` is UTC+3.
Hits have only the counter's wall clock, and a log does not say where it hangs: the counter's settings do. A log says
its size, not its rows: how many visits there are is asked of the reports, which do not count hits of all kinds.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import available_timezones

from rebuttal.errors import ContractError, CredentialsError, RebuttalError, ThrottledError, UnavailableError
from rebuttal.sources.declare import Answer, Page, Request, Restatement, Source, Stream, Window
from rebuttal.sources.decode import tsv_items
from rebuttal.sources.session import Patience, Session

VISITS = {
    "visit_id": "visitID",
    "counter_id": "counterID",
    "client_id": "clientID",
    "date_time_utc": "dateTimeUTC",
    "is_new_user": "isNewUser",
    "start_url": "startURL",
    "end_url": "endURL",
    "page_views": "pageViews",
    "visit_duration": "visitDuration",
    "bounce": "bounce",
    "goals_id": "goalsID",
    "traffic_source": "lastTrafficSource",
    "direct_campaign_id": "lastDirectClickOrder",
    "utm_source": "lastUTMSource",
    "utm_medium": "lastUTMMedium",
    "utm_campaign": "lastUTMCampaign",
    "utm_content": "lastUTMContent",
    "utm_term": "lastUTMTerm",
    "referer": "referer",
    "device": "deviceCategory",
    "watch_ids": "watchIDs",
}
HITS = {
    "watch_id": "watchID",
    "visit_id": "visitID",
    "counter_id": "counterID",
    "client_id": "clientID",
    "date_time": "dateTime",
    "time_zone": "timeZone",
    "url": "URL",
    "referer": "referer",
    "is_page_view": "isPageView",
    "goals_id": "goalsID",
    "title": "title",
}
_MUTABLE = Restatement(timedelta(days=3), "visits stay open and are recounted for three days")
_ESCAPES = {"\\\\": "\\", "\\t": "\t", "\\n": "\n", "\\r": "\r", "\\0": "\0", "\\'": "'", "\\b": "\b", "\\f": "\f"}


def log_pages(kind: str, fields: Mapping[str, str]) -> Any:
    """How the parts of a log come: `kind` is visits or hits."""

    def pages(session: Session, window: Window) -> Iterator[Page]:
        base = f"/management/v1/counter/{session.account}"
        facts = {"time_zone": _zone(session, base)} if "time_zone" in fields else {}
        asked = Request(
            path=f"{base}/logrequests",
            method="POST",
            params={
                "date1": str(window.first_date),
                "date2": str(window.last_date),
                "fields": ",".join(name for column, name in fields.items() if column not in facts),
                "source": kind,
            },
        )
        log = session.fetch(asked).data["log_request"]
        address = f"{base}/logrequest/{log['request_id']}"
        patience = Patience(session, f"The Yandex Metrica log of {kind} for {window}")
        try:
            while log["status"] in ("created", "awaiting_retry"):
                patience.wait()
                log = session.fetch(Request(path=address)).data["log_request"]
            if log["status"] != "processed":
                raise ContractError(f"Yandex Metrica ended the log of {kind} for {window} as {log['status'][:40]!r}")
            for part in log["parts"]:
                part_page = session.fetch(Request(path=f"{address}/part/{part['part_number']}/download", expects="tsv"))
                yield replace(part_page, data=facts)
            if kind == "visits":
                session.totals.update(_totals(session, window))
        finally:
            # What is not cleaned fills the counter's 10 GB; while a log is being made it can only be cancelled.
            end = "clean" if log["status"] == "processed" else "cancel"
            try:
                session.fetch(Request(path=f"{address}/{end}", method="POST"))
            except RebuttalError:
                session.note(
                    f"yandex_metrica.{kind} {window}: log {log['request_id']} could not be cleaned; clean it by hand"
                )

    return pages


def _zone(session: Session, base: str) -> str:
    zone = str(session.fetch(Request(path=base)).data["counter"]["time_zone_name"])
    if zone not in available_timezones():
        raise ContractError(
            f"Yandex Metrica's counter is in the time zone {zone[:40]!r}, which is none that is known here",
            next_step="Choose another one in the counter's settings, or update the time zone data (tzdata)",
        )
    return zone


def _totals(session: Session, window: Window) -> dict[str, Decimal]:
    """How many visits the reports count; nothing where they count a sample, or do not answer."""
    asked = {"ids": session.account, "metrics": "ym:s:visits", "accuracy": "full"}
    asked |= {"date1": str(window.first_date), "date2": str(window.last_date)}
    try:
        data = session.fetch(Request(path="/stat/v1/data", params=asked)).data
    except RebuttalError as error:
        session.note(f"yandex_metrica.visits {window}: no totals to compare with ({error})")
        return {}
    return {} if data.get("sampled") else {"records": Decimal(data["totals"][0])}


def counter_facts(_: Session, page: Page) -> Mapping[str, str]:
    """What the counter has once for all rows."""
    facts: Mapping[str, str] = page.data
    return facts


def unescaped(item: dict[str, Any]) -> Iterable[dict[str, Any]]:
    """Texts have tabs, line ends and backslashes escaped; arrays (`['a\\'b']`) stay as the vendor writes them."""
    for name, value in item.items():
        if value is not None and "\\" in value and not value.startswith("["):
            item[name] = _unescape(value)
    yield item


def _unescape(value: str) -> str:
    out, place = [], 0
    while (found := value.find("\\", place)) >= 0:
        pair = value[found : found + 2]
        out += [value[place:found], _ESCAPES.get(pair, pair)]
        place = found + 2
    return "".join([*out, value[place:]])


def explain(answer: Answer) -> RebuttalError | None:
    """`errors[].error_type` says what it is; a quota is 429 (420 in old documents)."""
    errors = answer.body.get("errors") if isinstance(answer.body, dict) else None
    types = {str(error.get("error_type")) for error in errors or () if isinstance(error, dict)}
    if answer.status in (420, 429) or any(word.startswith("quota_") for word in types):
        seconds = str(answer.headers.get("Retry-After") or "")
        return ThrottledError("Yandex Metrica throttles", retry_after=float(seconds) if seconds.isdigit() else None)
    if "invalid_token" in types:
        return CredentialsError(
            "Yandex Metrica refuses the credentials of connection 'yandex_metrica'", next_step="Renew its token"
        )
    return UnavailableError("Yandex Metrica fails inside") if "backend_error" in types else None


def _stream(name: str, entity: str, fields: dict[str, str], prefix: str, key: str, cursor: str) -> Stream:
    columns = {column: f"{prefix}{field}" for column, field in fields.items()}
    return Stream(
        name=name,
        entity=entity,
        columns=columns,
        key=(key,),
        cursor=f"{prefix}{cursor}",
        by_day=True,
        slice_days=92,
        restatement=_MUTABLE,
        pages=log_pages(name, columns),
        items=tsv_items,
        shape=unescaped,
        constants=counter_facts,
        account_column="counter_id",
    )


SOURCE = Source(
    name="yandex_metrica",
    account_option="counter",
    auth_scheme="OAuth",
    explain=explain,
    is_refusal=lambda body: isinstance(body, dict) and "errors" in body,
    streams=(
        _stream("visits", "visit", VISITS, "ym:s:", "visit_id", "dateTimeUTC"),
        _stream("hits", "hit", HITS, "ym:pv:", "watch_id", "dateTime"),
    ),
)
