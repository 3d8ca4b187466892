"""Seven quiet weeks of a small company as landed rows: nothing is wrong with them, unless a test says so."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

from landed import land, row

from rebuttal.settings import Settings

Row = dict[str, str | None]
FIRST, LAST = date(2026, 9, 21), date(2026, 11, 8)  # Monday to Sunday
VISITS_A_DAY = 32
HITS, VISITS = "yandex_metrica.hits", "yandex_metrica.visits"
DEALS, CONTACTS = "hubspot.deals", "hubspot.contacts"


def days() -> Iterator[date]:
    """Every day of the seven weeks."""
    return (FIRST + timedelta(days=number) for number in range((LAST - FIRST).days + 1))


def visit(visit_id: str, at: datetime, **changed: str | None) -> Row:
    """A visit of a minute that starts at `at` (UTC) with one page."""
    moscow = f"{at + timedelta(hours=3):%Y-%m-%d %H:%M:%S}"
    given = {"visit_id": visit_id, "client_id": f"c{visit_id}", "date_time_utc": moscow, "page_views": "1"}
    return row(VISITS, **{**given, **changed})


def hit(visit_id: str, hit_id: str, at: datetime, **changed: str | None) -> Row:
    """A page view of that visit at `at` (UTC)."""
    moscow = f"{at + timedelta(hours=3):%Y-%m-%d %H:%M:%S}"
    given = {"visit_id": visit_id, "watch_id": hit_id, "client_id": f"c{visit_id}", "date_time": moscow}
    given["url"] = f"https://brand.example/{hit_id}"
    return row(HITS, **{**given, **changed})


class Weeks:
    """The rows by stream; a test adds, changes or takes away, then lands them."""

    def __init__(self) -> None:
        self.rows: dict[str, list[Row]] = {
            name: [] for name in (VISITS, HITS, "ga4.traffic", "google_ads.ad_performance")
        }
        for day in days():
            self.visits_of(day)
            self.rows["ga4.traffic"].append(
                row("ga4.traffic", date=f"{day:%Y%m%d}", time_zone="Europe/Moscow", sessions="30")
            )
            self.rows["google_ads.ad_performance"].append(
                row("google_ads.ad_performance", date=str(day), clicks="8", impressions="100")
            )

    def visits_of(self, day: date, *, hits_late: timedelta = timedelta(0)) -> None:
        """A day's visits, every half an hour from 06:00 UTC; the first eight carry a click id."""
        for number in range(VISITS_A_DAY):
            at = datetime(day.year, day.month, day.day, 6, tzinfo=UTC) + timedelta(minutes=30 * number)
            url = "https://brand.example/" + (f"?gclid=g{day}{number}" if number < 8 else "")
            self.add(visit(f"{day:%m%d}{number:02d}", at, start_url=url), at + hits_late)

    def add(self, row_: Row, *hits_at: datetime, **changed: str | None) -> None:
        """A visit and its hits."""
        name = row_["visit_id"]
        assert name is not None
        self.rows[VISITS].append(row_)
        self.rows[HITS] += [hit(name, f"{name}h{place}", at, **changed) for place, at in enumerate(hits_at)]

    def drop(self, day: date) -> None:
        """Take a day's visits and hits away."""
        name = f"{day:%m%d}"
        for stream in (VISITS, HITS):
            self.rows[stream] = [one for one in self.rows[stream] if not str(one["visit_id"]).startswith(name)]

    def land(self, settings: Settings, **more: list[Any]) -> None:
        """Land everything, one batch a stream."""
        for stream, rows in self.rows.items():
            land(settings, stream, rows)


def sales(weeks: Weeks) -> None:
    """A CRM in which all that is referred to exists, with a newer row of each kind."""
    weeks.rows |= {
        CONTACTS: [row(CONTACTS), row(CONTACTS, contact_id="902", updated_at="2026-11-02T09:00:00Z")],
        "hubspot.owners": [row("hubspot.owners")],
        "hubspot.pipelines": [row("hubspot.pipelines")],
        DEALS: [row(DEALS, owner_id="7"), row(DEALS, deal_id="513", created_at="2026-10-20T09:00:00Z")],
        "hubspot.contact_stage_changes": [
            row("hubspot.contact_stage_changes"),
            row("hubspot.contact_stage_changes", changed_at="2026-10-20T09:00:00Z"),
        ],
        "hubspot.deal_stage_changes": [
            row("hubspot.deal_stage_changes"),
            row("hubspot.deal_stage_changes", deal_id="513", changed_at="2026-10-20T09:00:00Z"),
        ],
        "hubspot.notes": [
            row("hubspot.notes"),
            row("hubspot.notes", conversation_id="n2", occurred_at="2026-10-20T09:00:00Z"),
        ],
        "typeform.responses": [
            row("typeform.responses", hidden='{"deal_id":"512"}'),
            row("typeform.responses", response_id="t2", submitted_at="2026-10-20T09:00:00Z", comment="Дорого"),
        ],
    }
