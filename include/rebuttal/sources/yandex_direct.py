"""Yandex Direct: one row per ad and day (Moscow time), by the Reports service.

The connection's extra has `client_login`. Reports say neither currency nor time zone: `sources.yml` does. A report
tells its number of rows and no sums: those come from a report of the account as a whole, asked for at the same time.
"""

from __future__ import annotations

import hashlib
import json
import secrets
from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from decimal import Decimal
from typing import Any

from rebuttal.errors import ContractError, CredentialsError, RebuttalError, ThrottledError, UnavailableError
from rebuttal.sources.declare import Answer, Page, Request, Restatement, Source, Stream, Window
from rebuttal.sources.decode import tsv_items
from rebuttal.sources.session import Patience, Session

FIELDS = {
    "date": "Date",
    "campaign_id": "CampaignId",
    "campaign_name": "CampaignName",
    "ad_group_id": "AdGroupId",
    "ad_group_name": "AdGroupName",
    "ad_id": "AdId",
    "impressions": "Impressions",
    "clicks": "Clicks",
    "cost_micros": "Cost",
    "conversions": "Conversions",
    "revenue_micros": "Revenue",
}
_SUMS = {"impressions": "Impressions", "clicks": "Clicks", "cost": "Cost"}
_THROTTLES = {"56", "152", "506", "9000"}  # method rate, units spent, concurrent connections, report queue full


def pages(session: Session, window: Window) -> Iterator[Page]:
    """One table per window. The same POST is its own poll (201 queued, 202 being built, with `retryIn`) until 200."""
    order = [{"Field": name, "SortOrder": "ASCENDING"} for name in ("Date", "AdId")]
    report = _asked(session, window, "AD_PERFORMANCE_REPORT", [*FIELDS.values()], {"OrderBy": order})
    sums: Request | None = _asked(session, window, "ACCOUNT_PERFORMANCE_REPORT", [*_SUMS.values()], {})
    patience = Patience(session, f"The Yandex Direct report for {window}")
    page = session.fetch(report)
    while True:
        if sums:
            try:
                told = session.fetch(sums)
                if told.status == 200:
                    session.totals.update(_totals(told))
                    sums = None
            except RebuttalError as error:
                session.note(f"yandex_direct.ad_performance {window}: no totals to compare with ({error})")
                sums = None
        if page.status == 200 and not sums:
            break
        try:
            patience.wait(float(page.headers.get("retryIn") or (1 if page.status == 200 else 10)))
        except ThrottledError:
            if page.status != 200:
                raise
            session.note(f"yandex_direct.ad_performance {window}: no totals to compare with, they were not ready")
            break
        if page.status != 200:
            page = session.fetch(report)
    yield page


def _totals(page: Page) -> dict[str, Decimal]:
    """What the account as a whole adds up to; without any statistics the report has no row."""
    [row] = [*table(page)] or [dict[str, str | None]()]
    if isinstance(row, str):
        raise ContractError("Yandex Direct gave a row of totals that is not of the report's columns")
    sums = {measure: Decimal(row.get(name) or 0) for measure, name in _SUMS.items()}
    return {**sums, "cost": sums["cost"] / 1_000_000}


def _asked(session: Session, window: Window, kind: str, fields: Sequence[str], more: Mapping[str, Any]) -> Request:
    definition: dict[str, Any] = {
        "SelectionCriteria": {"DateFrom": str(window.first_date), "DateTo": str(window.last_date)},
        "FieldNames": list(fields),
        **more,
        "ReportType": kind,
        "DateRangeType": "CUSTOM_DATE",
        "Format": "TSV",
        "IncludeVAT": "YES",
        "IncludeDiscount": "NO",
    }
    digest = hashlib.sha256(json.dumps(definition).encode()).hexdigest()[:12]
    # A ready report is kept for five hours under its name: a new name gets fresh numbers.
    definition["ReportName"] = f"rebuttal-{digest}-{secrets.token_hex(4)}"
    return Request(
        path="/json/v5/reports",
        method="POST",
        json={"params": definition},
        headers={
            "Client-Login": session.account,
            "Accept-Language": "en",
            "processingMode": "auto",
            "skipReportHeader": "true",
        },
        expects="tsv",
        pending=(201, 202),
    )


def table(page: Page) -> Iterator[Any]:
    """Rows of the table, proved by its last line; `--` is the vendor's word for no value."""
    return tsv_items(page, total_line="Total rows:", missing="--")


def account_facts(session: Session, _: Page) -> Mapping[str, str]:
    """What the account has once for all rows."""
    return {"client_login": session.account, **{name: session.options[name] for name in ("time_zone", "currency")}}


def explain(answer: Answer) -> RebuttalError | None:
    """Errors have codes in the body, also under status 400 and 200."""
    error = answer.body.get("error") if isinstance(answer.body, dict) else None
    code = str(error.get("error_code", "")) if isinstance(error, dict) else ""
    if code in _THROTTLES:
        return ThrottledError(f"Yandex Direct throttles (code {code})")
    if code in ("52", "1000", "1001", "1002"):
        return UnavailableError(f"Yandex Direct fails (code {code})")
    if code in ("53", "54", "58"):
        return CredentialsError(
            f"Yandex Direct refuses the credentials of connection 'yandex_direct' (code {code})",
            next_step="Renew the token, and check client_login and the application's access",
        )
    return None


SOURCE = Source(
    name="yandex_direct",
    account_option="client_login",
    options={"time_zone": "Europe/Moscow", "currency": "RUB"},
    explain=explain,
    streams=(
        Stream(
            name="ad_performance",
            entity="ad_performance",
            columns={
                "date": "Date",
                "client_login": "ClientLogin",
                "time_zone": "TimeZone",
                "currency": "Currency",
                **{name: path for name, path in FIELDS.items() if name != "date"},
            },
            key=("date", "ad_id"),
            cursor="Date",
            by_day=True,
            slice_days=92,
            restatement=Restatement(timedelta(days=30), "goals are credited for three weeks and more"),
            pages=pages,
            items=table,
            constants=account_facts,
        ),
    ),
)
