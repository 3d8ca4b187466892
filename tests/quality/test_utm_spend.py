"""Money and tagged visits, in both directions: by id or name, over renames, in the ad account's days."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from landed import context, land, read, row

from rebuttal import quality
from rebuttal.quality.utm_registry import Link, Registry, SpendAudit
from rebuttal.quality.utm_spend import SPEND, VISITS, Gap, campaign_gaps, record_gaps, spend_checks
from rebuttal.settings import Settings
from rebuttal.warehouse import open_warehouse

ADS, VISIT = "google_ads.ad_performance", "yandex_metrica.visits"


def link(source: str, medium: str, campaign: str, platform: str = "", campaign_id: str = "") -> Link:
    return Link(
        utm_source=source,
        utm_medium=medium,
        utm_campaign=campaign,
        platform=platform,
        campaign_id=campaign_id,
        channel="x",
    )


REGISTRY = Registry(
    (
        link("google", "cpc", "brand", "google-ads", "1"),
        link("google", "cpc", "old_sale", "google-ads", "9"),
        link("google", "cpc", "by_name", "google-ads"),
        link("newsletter", "email", "letter"),
    ),
    audit=SpendAudit(days=5, minimum_clicks=10, minimum_visits=2),
)
TAGLESS = {"final_url": "https://brand.example/"}
NOBODY = {"utm_source": None, "utm_medium": None, "utm_campaign": None}


def ad(campaign: str, name: str, day: int = 5, clicks: int = 50, **changed: str) -> dict[str, str | None]:
    values = {"campaign_id": campaign, "campaign_name": name, "ad_id": f"a{campaign}", "date": f"2026-11-{day:02d}"}
    return row(ADS, **{**values, "clicks": str(clicks), **TAGLESS, **changed})


def visits(
    campaign: str, count: int, source: str = "google", medium: str = "cpc", **changed: Any
) -> list[dict[str, Any]]:
    tags = {"utm_source": source, "utm_medium": medium, "utm_campaign": campaign}
    moment = {"date_time_utc": "2026-11-05 13:00:00"}
    return [
        row(
            VISIT,
            visit_id=f"{source}{medium}{campaign}{changed.get('date_time_utc', '')}{n}",
            **{**tags, **moment, **changed},
        )
        for n in range(count)
    ]


def gaps(settings: Settings, rows: list[dict[str, Any]], ads: list[dict[str, Any]]) -> list[Gap]:
    """The gaps between these ads and visits; a visit of nobody stretches the known days to 1-9 November."""
    edges = [row(VISIT, visit_id=f"edge{day}", date_time_utc=f"2026-11-{day:02d} 13:00:00") for day in (1, 9)]
    land(settings, ADS, [*ads, ad("edge", "Edge", 9, clicks=0, cost_micros="0")])
    land(settings, VISIT, [*edges, *rows])
    assert quality.run(context(settings)).problems == []
    return again(settings)


def again(settings: Settings) -> list[Gap]:
    with open_warehouse(settings) as engine, engine.connect() as connection:
        return campaign_gaps(connection, REGISTRY)


def test_spend_without_tagged_visits(any_settings: Settings) -> None:
    found = gaps(any_settings, visits("brand", 3), [ad("1", "Brand"), ad("2", "Smart banners", cost_micros="7000000")])
    assert found == [
        Gap(SPEND, "google-ads", "2", "Smart banners", "EUR", Decimal(7), 50, 0, date(2026, 11, 5), date(2026, 11, 5))
    ]


def test_tagged_visits_without_spend(any_settings: Settings) -> None:
    letters = visits("letter", 5, "newsletter", "email")
    found = gaps(any_settings, [*visits("brand", 2), *visits("old_sale", 4), *letters], [ad("1", "Brand")])
    assert [(gap.kind, gap.campaign_id, gap.campaign_name, gap.tagged_visits) for gap in found] == [
        (VISITS, "9", "old_sale", 4)
    ]
    assert (found[0].clicks, found[0].currency) == (0, "")


@pytest.mark.parametrize(
    ("case", "tags", "campaign"),
    [
        ("by the registry's id, though the platform renamed it", "brand", ("1", "Search | tCPA")),
        ("by the registry's name", "by_name", ("77", "By_Name")),
        ("by the platform's name, case and spaces ignored", "Autumn  SALE", ("78", " autumn sale")),
        ("by the platform's id in the tag", "79", ("79", "Whatever")),
    ],
)
def test_what_belongs_together_is_no_gap(settings: Settings, case: str, tags: str, campaign: tuple[str, str]) -> None:
    assert gaps(settings, visits(tags, 5), [ad(*campaign)]) == [], case
    assert len(gaps(settings, visits("nothing_like_it", 5), [ad("80", "Another")])) == 2  # the audit does look


def test_the_tags_of_the_advertisement_tell_its_campaign(any_settings: Settings) -> None:
    tagged = ad(
        "5", "Sprint", final_url="https://b.example/?utm_source=google&utm_medium=cpc&utm_campaign=Sprint_Class"
    )
    assert gaps(any_settings, visits("sprint_class", 5), [tagged]) == []


def test_a_campaign_that_was_renamed_matches_by_its_older_name(any_settings: Settings) -> None:
    assert gaps(any_settings, visits("first name", 5), [ad("6", "First Name", 2), ad("6", "Second", 6)]) == []


def test_registered_ids_go_before_names(any_settings: Settings) -> None:
    """A link registered for campaign 9 is not taken for another one that happens to be called the same."""
    found = gaps(any_settings, visits("old_sale", 4), [ad("10", "old_sale")])
    assert [(gap.kind, gap.campaign_id) for gap in found] == [(SPEND, "10"), (VISITS, "9")]


def test_few_clicks_and_few_visits_are_not_told(any_settings: Settings) -> None:
    assert gaps(any_settings, visits("old_sale", 1), [ad("2", "Small", clicks=9)]) == []


def test_only_days_that_both_sides_know_are_compared(any_settings: Settings) -> None:
    """The window is 5 days back from 9 November: 5 to 9. Kyiv's day of 4 November 22:30 UTC is the fifth."""
    late = visits("old_sale", 2, date_time_utc="2026-11-05 01:30:00")  # the field is UTC+3: 4 November 22:30 UTC
    early = visits("older", 5, date_time_utc="2026-11-04 20:00:00")
    found = gaps(any_settings, [*late, *early, *visits("brand", 2)], [ad("1", "Brand"), ad("2", "Early", 4)])
    assert [(gap.kind, gap.campaign_id, gap.first_date) for gap in found] == [(VISITS, "9", date(2026, 11, 5))]


def test_tags_that_contradict_the_click_id_are_nobodys(any_settings: Settings) -> None:
    wrong = visits("brand", 5, start_url="https://b.example/?yclid=123")
    found = gaps(any_settings, wrong, [ad("1", "Brand")])
    assert [gap.kind for gap in found] == [SPEND]


def test_paid_media_of_nobody_known_are_told_with_their_own_name(any_settings: Settings) -> None:
    found = gaps(any_settings, [*visits("Mystery", 3), *visits("winter", 3, "bing")], [ad("edge2", "x", clicks=0)])
    assert [(gap.platform, gap.campaign_id, gap.campaign_name) for gap in found] == [
        ("", "", "winter"),
        ("google-ads", "", "mystery"),
    ]


def test_without_spend_or_visits_nothing_is_compared(any_settings: Settings) -> None:
    assert again(any_settings) == []
    land(any_settings, VISIT, visits("old_sale", 5))
    quality.run(context(any_settings))
    assert again(any_settings) == []


def test_gaps_are_recorded_once_and_told_as_checks(any_settings: Settings) -> None:
    found = gaps(
        any_settings,
        visits("old_sale", 4),
        [ad("2", "Smart", cost_micros="7000000"), ad("3", "Dear", cost_micros="9000000")],
    )
    with open_warehouse(any_settings) as engine, engine.begin() as connection:
        record_gaps(connection, [])  # what the admission itself recorded, by the registry of its own
        assert record_gaps(connection, found) == 3
        assert record_gaps(connection, found) == 0
        spend, tagged = spend_checks(connection, found)
    assert (spend.name, spend.failed_count, tagged.failed_count) == (SPEND, 2, 1)
    assert spend.examples == ("google-ads Dear 3: 9.00 EUR, 50 clicks", "google-ads Smart 2: 7.00 EUR, 50 clicks")
    stored = read(any_settings, spend.query or "")
    assert [line["campaign_name"] for line in stored] == ["Dear", "Smart"]
    with open_warehouse(any_settings) as engine, engine.begin() as connection:
        assert record_gaps(connection, found[:1]) == 2
