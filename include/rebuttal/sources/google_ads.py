"""Google Ads: one row per ad and account-local day, and one per click, by GAQL over REST `googleAds:search`.

The connection's extra has `customer_id` (digits), `version` (`v26`), and under a manager `login_customer_id`. Clicks
say which campaign a click id belongs to: one query a day, no further back than the vendor keeps them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import timedelta
from decimal import Decimal
from typing import Any

from rebuttal.errors import CutBodyError, RebuttalError, ThrottledError
from rebuttal.sources.declare import Answer, Page, Request, Restatement, Source, Stream, Window
from rebuttal.sources.paging import ExpiredPagesError, at, by_token
from rebuttal.sources.session import Session

# Tags may be set on four levels; the lowest that has them wins.
_LEVELS = ("adGroupAd.ad", "adGroup", "campaign", "customer")
COLUMNS = {
    "date": "segments.date",
    "customer_id": "customer.id",
    "time_zone": "customer.timeZone",
    "currency": "customer.currencyCode",
    "campaign_id": "campaign.id",
    "campaign_name": "campaign.name",
    "campaign_status": "campaign.status",
    "ad_group_id": "adGroup.id",
    "ad_group_name": "adGroup.name",
    "ad_id": "adGroupAd.ad.id",
    "final_url": "adGroupAd.ad.finalUrls",
    "final_url_suffix": "|".join(f"{level}.finalUrlSuffix" for level in _LEVELS),
    "tracking_url_template": "|".join(f"{level}.trackingUrlTemplate" for level in _LEVELS),
    "impressions": "metrics.impressions",
    "clicks": "metrics.clicks",
    "cost_micros": "metrics.costMicros",
    "conversions": "metrics.conversions",
    "conversions_value": "metrics.conversionsValue",
}
CLICKS = {
    "date": "segments.date",
    "customer_id": "customer.id",
    "gclid": "clickView.gclid",
    "campaign_id": "campaign.id",
    "ad_group_id": "adGroup.id",
    "ad": "clickView.adGroupAd",
}
CLICK_VIEW_DAYS = 90
_SNAKE = {"adGroupAd": "ad_group_ad", "adGroup": "ad_group"}


def gaql_name(path: str) -> str:
    """`adGroupAd.ad.finalUrls` -> `ad_group_ad.ad.final_urls`."""
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in path)


def query(window: Window) -> str:
    """The GAQL of a window: all declared fields, ordered so that pages are stable."""
    fields = ", ".join(gaql_name(path) for paths in COLUMNS.values() for path in paths.split("|"))
    return (
        f"SELECT {fields} FROM ad_group_ad "
        f"WHERE segments.date BETWEEN '{window.first_date}' AND '{window.last_date}' "
        "ORDER BY segments.date, ad_group_ad.ad.id PARAMETERS omit_unselected_resource_names=true"
    )


def click_query(window: Window) -> str:
    """The GAQL of the clicks of one day."""
    fields = ", ".join(map(gaql_name, CLICKS.values()))
    return (
        f"SELECT {fields} FROM click_view WHERE segments.date = '{window.first_date}' "
        "ORDER BY click_view.gclid PARAMETERS omit_unselected_resource_names=true"
    )


def click_pages(session: Session, window: Window) -> Iterator[Page]:
    """The clicks of a day; those of days that the vendor has forgotten are left out, and that is noted."""
    if window.until <= session.now - timedelta(days=CLICK_VIEW_DAYS):
        session.note(f"google_ads.clicks {window}: the vendor keeps clicks for {CLICK_VIEW_DAYS} days only")
        return
    yield from _search(session, window, click_query(window), with_sums=False)


def pages(session: Session, window: Window) -> Iterator[Page]:
    """Pages of advertisements and days."""
    yield from _search(session, window, query(window), with_sums=True)


def _search(session: Session, window: Window, gaql: str, *, with_sums: bool) -> Iterator[Page]:
    """Pages of 10,000 rows by token; the vendor's own total proves that none is missing."""
    extra = session.connection.extra
    manager = str(extra.get("login_customer_id") or "")
    request = Request(
        path=f"/{extra.get('version') or 'v26'}/customers/{session.account}/googleAds:search",
        method="POST",
        json={"query": gaql, "searchSettings": {"returnTotalResultsCount": True, "returnSummaryRow": with_sums}},
        headers={"login-customer-id": manager} if manager else {},
    )
    count, total = 0, None
    for page in by_token(session, request, link="nextPageToken", into="pageToken", in_body=True):
        count += len(page.data.get("results") or ())
        total = page.data.get("totalResultsCount") or total
        if summary := page.data.get("summaryRow"):
            session.totals.update(_totals(summary))
        yield page
    if total is not None and count != int(total):
        raise CutBodyError(f"Google Ads says {total} rows for {window} but gave {count}")


def _totals(summary: dict[str, Any]) -> dict[str, Decimal]:
    """What the vendor adds up, in the entity's measures; metrics that are zero are left out of its answer."""
    metrics = summary.get("metrics") or {}
    sums = {name: Decimal(str(metrics.get(name, 0))) for name in ("impressions", "clicks", "costMicros")}
    cost = sums.pop("costMicros") / 1_000_000
    return {**sums, "cost": cost}


def results(page: Page) -> Iterable[Any]:
    """The rows; a page without rows still has its field mask, anything else is no answer."""
    if "results" not in page.data and "fieldMask" not in page.data:
        raise KeyError("results")
    return page.data.get("results") or []


def first_url(item: dict[str, Any]) -> Iterable[dict[str, Any]]:
    """An ad's final URL is a list of which the first counts."""
    ad = at(item, "adGroupAd.ad")
    if isinstance(ad, dict) and isinstance(ad.get("finalUrls"), list):
        ad["finalUrls"] = ad["finalUrls"][0] if ad["finalUrls"] else None
    yield item


def clicked_ad(item: dict[str, Any]) -> Iterable[dict[str, Any]]:
    """A click names its advertisement by resource: `customers/1/adGroupAds/GROUP~AD`."""
    click = item.get("clickView")
    if isinstance(click, dict) and isinstance(click.get("adGroupAd"), str):
        click["adGroupAd"] = click["adGroupAd"].rsplit("~", 1)[-1]
    yield item


def explain(answer: Answer) -> RebuttalError | None:
    """Quota errors carry their delay in the body; a page token lives for about two hours."""
    failures = [
        error
        for part in (answer.body if isinstance(answer.body, list) else [answer.body])
        for detail in ((part or {}).get("error", {}).get("details") or [] if isinstance(part, dict) else [])
        for error in detail.get("errors") or []
    ]
    words = {value for error in failures for value in (error.get("errorCode") or {}).values()}
    if words & {"EXPIRED_PAGE_TOKEN", "INVALID_PAGE_TOKEN"}:
        return ExpiredPagesError("Google Ads forgot the page token")
    if answer.status == 429:
        delays = [error.get("details", {}).get("quotaErrorDetails", {}).get("retryDelay") for error in failures]
        seconds = [float(delay.removesuffix("s")) for delay in delays if isinstance(delay, str)]
        return ThrottledError("Google Ads throttles", retry_after=max(seconds, default=None))
    return None


SOURCE = Source(
    name="google_ads",
    account_option="customer_id",
    explain=explain,
    options={"clicks": False},
    streams=(
        Stream(
            name="ad_performance",
            entity="ad_performance",
            columns=COLUMNS,
            key=("date", "ad_id"),
            cursor="segments.date",
            by_day=True,
            slice_days=92,
            restatement=Restatement(timedelta(days=28), "conversions land late, on the day of their click"),
            pages=pages,
            items=results,
            shape=first_url,
            ignored=tuple(f"{level}.resourceName" for level in (*_LEVELS, "adGroupAd")),
            account_column="customer_id",
        ),
        Stream(
            name="clicks",
            entity="ad_click",
            columns=CLICKS,
            key=("gclid",),
            cursor="segments.date",
            by_day=True,
            slice_days=1,
            restatement=Restatement(timedelta(days=2), "the last clicks of a day come in on the next one"),
            pages=click_pages,
            items=results,
            shape=clicked_ad,
            ignored=tuple(f"{level}.resourceName" for level in ("adGroup", "campaign", "customer", "clickView")),
            account_column="customer_id",
            option="clicks",
        ),
    ),
)
