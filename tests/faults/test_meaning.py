"""Faults of meaning (63-64, 67-71): time zones, currencies and merged people, from landing to what people read."""

from __future__ import annotations

import shutil
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from landed import NOW, context, land, read, row
from tests.conftest import settings_in
from tests.faults.long_form import SECOND_ENGINE
from tests.faults.table import fault

from rebuttal import journeys, quality, reports
from rebuttal.objections.tables import metadata as objection_tables
from rebuttal.reports.week import week_of
from rebuttal.settings import PROJECT_ROOT, Settings
from rebuttal.warehouse import open_warehouse

SECOND_MODEL = pytest.mark.long_form("both engines model one world alike: tests/loop", modelled="postgres")
ADS, DEALS, CONTACTS, HITS = "google_ads.ad_performance", "hubspot.deals", "hubspot.contacts", "yandex_metrica.hits"

# --- 63: units -------------------------------------------------------------------------------------------------------


@fault(
    63, "whole units where millionths stand", "gate", "held: a click costs a millionth of what it did; core untouched"
)
@fault(63, "millionths of millionths", "gate", "held: a click costs a million times what it did; core untouched")
@SECOND_ENGINE
@pytest.mark.parametrize(("factor", "told"), [(1e-6, "1e-06"), (1e6, "1e+06")])
def test_cost_in_another_unit_is_held(any_settings: Settings, factor: float, told: str) -> None:
    usual = [row(ADS, date=f"2026-11-0{day}", cost_micros=str(7_000_000 + day)) for day in (1, 2, 3)]
    land(any_settings, ADS, usual)
    quality.run(context(any_settings))
    before = read(any_settings, "select * from core.ad_performance order by report_date")
    held = land(any_settings, ADS, [*usual, row(ADS, date="2026-11-04", cost_micros=str(round(7_000_000 * factor)))])
    quality.run(context(any_settings))
    [batch] = read(any_settings, "select status, status_reason from ops.batch where batch_id = :b", b=held)
    assert batch["status"] == "held"
    assert batch["status_reason"].startswith(
        f"cost_in_units: 1 of 4, such as 2026-11-04: {told} EUR a click, usually 1"
    )
    assert read(any_settings, "select * from core.ad_performance order by report_date") == before
    assert len(before) == 3


@fault(63, "cents where units stand", "gate", "held: known deals are exactly a hundred times what they were")
@SECOND_ENGINE
def test_amounts_in_cents_are_held(any_settings: Settings) -> None:
    land(any_settings, DEALS, [row(DEALS, deal_id=str(n), amount=f"{1000 + n}.50") for n in range(6)])
    later = {"updated_at": "2026-11-02T09:00:00Z"}
    land(any_settings, DEALS, [row(DEALS, deal_id=str(n), amount=f"{1000 + n}50", **later) for n in range(6)])
    quality.run(context(any_settings))
    [held] = read(any_settings, "select status_reason from ops.batch where status = 'held'")
    assert held["status_reason"].startswith("amounts_in_units: 6 of 6")
    assert read(any_settings, "select sum(amount) as amount from core.deal") == [{"amount": Decimal(6018)}]


# --- 64: time zones --------------------------------------------------------------------------------------------------

# Days on which clocks change in Kyiv and New York, with their neighbours.
CHANGING = ["2026-03-07", "2026-03-08", "2026-03-09", "2026-03-28", "2026-03-29", "2026-03-30"]
CHANGING += ["2025-10-25", "2025-10-26", "2025-10-27", "2025-11-01", "2025-11-02", "2025-11-03", "2025-12-31"]


@fault(64, "days of 23 and 25 hours in the account's zone", "gate", "one date for each fact; days add up to the total")
@fault(64, "the account's zone changes", "gate", "each fact keeps its date and the zone that it was told in")
@SECOND_ENGINE
def test_account_days_stay_account_days(any_settings: Settings) -> None:
    zones = ("Europe/Kyiv", "America/New_York", "Pacific/Kiritimati")
    rows = [
        row(ADS, date=day, ad_id=zone, time_zone=zone, cost_micros=str(10**6 * n + 7 * m + 1))
        for n, day in enumerate(CHANGING)
        for m, zone in enumerate(zones)
    ]
    land(any_settings, ADS, rows)
    # From now on the account says another zone; the past days come again with it.
    land(any_settings, ADS, [row(ADS, date="2026-03-30", ad_id="Europe/Kyiv", time_zone="UTC", cost_micros="5000001")])
    quality.run(context(any_settings))

    found = read(any_settings, "select report_date, ad_id, time_zone, cost from core.ad_performance")
    assert len(found) == len(rows)
    told = {(one["date"], one["ad_id"]): (one["time_zone"], int(one["cost_micros"] or 0)) for one in rows}
    told["2026-03-30", "Europe/Kyiv"] = ("UTC", 5_000_001)
    assert {
        (one["report_date"].isoformat(), one["ad_id"]): (one["time_zone"], int(one["cost"] * 10**6)) for one in found
    } == told
    [total] = read(any_settings, "select sum(cost) as cost from core.ad_performance")
    assert total["cost"] == Decimal(sum(cost for _, cost in told.values())) / 10**6


@fault(64, "a wall-clock time that the clocks skip, and one that they repeat", "gate", "one instant, on both engines")
def test_skipped_and_repeated_times_are_one_instant(any_settings: Settings) -> None:
    # Moscow: 2011-03-27 had no 02:30, 2014-10-26 had 01:30 twice. Standard time, UTC+3, is what both are read with.
    land(
        any_settings,
        HITS,
        [
            row(HITS, watch_id="gap", client_id="1", date_time="2011-03-27 02:30:00"),
            row(HITS, watch_id="fold", client_id="2", date_time="2014-10-26 01:30:00"),
            row(HITS, watch_id="summer", client_id="3", date_time="2010-07-01 12:00:00"),
        ],
    )
    quality.run(context(any_settings))
    found = {one["hit_id"]: one["occurred_at"] for one in read(any_settings, "select * from core.hit")}
    assert {name: at.astimezone(UTC) for name, at in found.items()} == {
        "gap": datetime(2011, 3, 26, 23, 30, tzinfo=UTC),
        "fold": datetime(2014, 10, 25, 22, 30, tzinfo=UTC),
        "summer": datetime(2010, 7, 1, 8, 0, tzinfo=UTC),
    }


@fault(64, "a Metrica counter in another zone than Moscow", "gate", "each hit at its true instant, as wall clocks hang")
@SECOND_ENGINE
def test_hits_are_read_in_their_counters_zone(any_settings: Settings) -> None:
    told = {
        "Asia/Almaty": ("2026-11-01 18:00:00", datetime(2026, 11, 1, 13, tzinfo=UTC)),
        "Europe/Kyiv": ("2026-03-29 12:00:00", datetime(2026, 3, 29, 9, tzinfo=UTC)),  # summer time, since that night
        "America/New_York": ("2026-03-08 01:59:59", datetime(2026, 3, 8, 6, 59, 59, tzinfo=UTC)),
        None: ("2026-11-01 18:00:00", datetime(2026, 11, 1, 15, tzinfo=UTC)),  # of a pull that did not ask for the zone
    }
    rows = [
        row(HITS, watch_id=zone or "unsaid", client_id=zone or "unsaid", date_time=clock, time_zone=zone)
        for zone, (clock, _) in told.items()
    ]
    land(any_settings, HITS, [*rows, row(HITS, watch_id="lost", time_zone="Mars/Olympus' or 1=1")])
    quality.run(context(any_settings))
    found = read(any_settings, "select hit_id, occurred_at from core.hit")
    assert {one["hit_id"]: one["occurred_at"].astimezone(UTC) for one in found} == {
        zone or "unsaid": at for zone, (_, at) in told.items()
    }
    [bad] = read(any_settings, "select natural_key, check_name, value from ops.quarantine")
    assert bad == {"natural_key": "lost", "check_name": "values_readable", "value": "date_time=2026-11-01 13:00:00"}


@fault(64, "instants with other offsets, and without one", "gate", "the same instant in UTC; without one: quarantined")
@SECOND_ENGINE
def test_offsets_are_honoured_and_never_guessed(any_settings: Settings) -> None:
    same = [
        "2026-10-25T00:30:00Z",
        "2026-10-25T03:30:00+03:00",
        "2026-10-24 20:30:00-04:00",
        "2026-10-25T00:30:00.0+00",
    ]
    rows = [row(DEALS, deal_id=str(number), updated_at=text) for number, text in enumerate(same)]
    land(any_settings, DEALS, [*rows, row(DEALS, deal_id="bare", updated_at="2026-10-25T03:30:00")])
    quality.run(context(any_settings))
    found = read(any_settings, "select updated_at from core.deal")
    assert [one["updated_at"].astimezone(UTC) for one in found] == [datetime(2026, 10, 25, 0, 30, tzinfo=UTC)] * 4
    [bad] = read(any_settings, "select check_name, value from ops.quarantine")
    assert bad == {"check_name": "values_readable", "value": "updated_at=2026-10-25T03:30:00"}


@fault(64, "the turn of a week, in weeks in which clocks change", "marts", "the digest's week is the reader's ISO week")
@pytest.mark.parametrize("zone", ["Europe/Kyiv", "America/New_York", "Pacific/Kiritimati", "UTC"])
@pytest.mark.parametrize("monday", [date(2026, 3, 9), date(2026, 3, 30), date(2026, 10, 26), date(2025, 12, 29)])
def test_a_week_turns_at_the_readers_midnight(zone: str, monday: date) -> None:
    midnight = datetime.combine(monday, datetime.min.time(), ZoneInfo(zone)).astimezone(UTC)
    before, after = (week_of(midnight + step, ZoneInfo(zone), "current") for step in (-_TICK, _TICK))
    assert after.monday == monday
    assert before == after.before(1)


_TICK = datetime.resolution

# --- 67, 69, 70: marts -----------------------------------------------------------------------------------------------

RATES = """valid_from,currency,rate_to_base
2020-01-01,EUR,1
2020-01-01,USD,0.9000
2026-10-15,USD,0.8000
"""


@fault(71, "bookings of one person at two partners, in two systems", "gate", "two bookings, and no word that they meet")
@SECOND_ENGINE
def test_bookings_at_two_partners_never_meet(any_settings: Settings) -> None:
    one, other = "bookings.bookings", "forms.bookings"
    land(any_settings, one, [row(one, booking_id="a"), row(one, booking_id="c", starts_at="2026-11-21T12:00:00Z")])
    ours = row(other, booking_id="d", starts_at="2026-11-21T12:00:00Z")
    land(any_settings, other, [row(other, booking_id="b", partner_id="salon-08"), ours])
    quality.run(context(any_settings))
    assert len(read(any_settings, "select * from core.booking")) == 4
    told_twice = read(any_settings, "select booking_id, survivor_booking_id from ops.same_booking")
    assert told_twice == [{"booking_id": "d", "survivor_booking_id": "c"}]  # of one partner: the rule does work


def won(number: int, **changed: str | None) -> dict[str, str | None]:
    """A deal won in the week of Monday 2026-10-12 (the last day of it at the newer rate)."""
    usual = {"is_closed": "true", "is_won": "true", "closed_at": "2026-10-14T10:00:00Z", "contact_ids": f'["{number}"]'}
    return row(DEALS, deal_id=str(number), **{**usual, **changed})


def person(number: int, merged: str | None = None, **changed: str | None) -> dict[str, str | None]:
    return row(CONTACTS, contact_id=str(number), email_hash=f"hash{number}", merged_ids=merged, **changed)


@pytest.fixture(scope="module", params=["duckdb", "postgres"])
def modelled(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """A company whose deals and people show the faults, admitted and modelled. To be read only: it is everybody's."""
    home = tmp_path_factory.mktemp("modelled")
    config = home / "config"
    shutil.copytree(PROJECT_ROOT / "include" / "config", config)
    (config / "rates.csv").write_text(RATES)
    settings = settings_in(home, config)
    if request.param == "postgres":
        settings = replace(settings, warehouse_url=request.getfixturevalue("postgres_url")())
    land(
        settings,
        DEALS,
        [
            won(1, amount="100", currency="USD"),
            won(2, amount="100", currency="USD", closed_at="2026-10-15T00:00:00Z"),
            won(3, amount="100", currency="EUR", closed_at="2026-10-06T10:00:00Z"),
            won(4, amount="100", currency="XPF"),  # a currency that exists and has no rate here
            won(5, amount="100", currency="EURO"),
            won(6, amount="100", currency="EUR", closed_at="2026-10-06T10:00:00Z"),
            won(11, amount="1", currency="EUR", closed_at="2026-10-06T10:00:00Z"),
        ],
    )
    land(settings, DEALS, [won(6, archived="true", updated_at="2026-11-02T00:00:00Z")])
    land(settings, ADS, [row(ADS), row(ADS, date="2026-11-09", ad_id="new")])
    changed = {"cost_micros": "11234567", "conversions": "4.5"}
    land(settings, ADS, [row(ADS, **changed), row(ADS, date="2026-11-09", ad_id="new", **changed)])
    people = [person(11), person(12, "11"), person(13, "12"), person(21, "22"), person(22, "21"), person(31, "32")]
    land(settings, CONTACTS, [*people, person(32)])
    land(settings, CONTACTS, [person(31, None, updated_at="2026-11-02T00:00:00Z")])
    quality.run(context(settings))
    with open_warehouse(settings) as engine:
        objection_tables.create_all(engine)  # what was heard: nothing
    journeys.run(context(settings, NOW))
    return settings


def people_of(settings: Settings) -> dict[str, Any]:
    found = read(
        settings, "select identifier, person_id from core.person_identifier where identifier_kind = 'contact_id'"
    )
    return {one["identifier"]: one["person_id"] for one in found}


@fault(67, "the currency changes in mid-month", "marts", "each amount keeps its own, at the rate of its day")
@fault(67, "a currency without a rate", "marts", "NULL and counted; never 0 and never one to one")
@fault(67, "money in a currency that does not exist", "marts", "quarantined: in no sum")
@fault(69, "a deal deleted at the vendor", "marts", "gone from what people read, kept in core as a tombstone")
@fault(70, "A merged into B, B into C", "marts", "one living person; the deal of A is a deal of that person")
@fault(70, "A merged into B and B into A", "marts", "refused whole and recorded; two people")
@fault(70, "a merge that was undone", "marts", "two people again")
@SECOND_MODEL
def test_money_and_people_mean_what_they_say(modelled: Settings) -> None:
    deals = {one["deal_id"]: one for one in read(modelled, "select * from marts.deal")}
    assert {name: one["amount_base"] for name, one in deals.items()} == {
        "1": Decimal(90),
        "2": Decimal(80),
        "3": Decimal(100),
        "4": None,
        "11": Decimal(1),
    }
    assert {name for name, one in deals.items() if one["is_rate_missing"]} == {"4"}
    weeks = read(modelled, "select week_start, revenue_base, missing_rate_count, deals_won from marts.kpi_weekly")
    told = {one["week_start"].isoformat()[:10]: tuple(one.values())[1:] for one in weeks if one["deals_won"]}
    assert told == {"2026-10-05": (Decimal(101), 0, 2), "2026-10-12": (None, 1, 3)}
    assert read(modelled, "select natural_key, check_name from ops.quarantine") == [
        {"natural_key": "5", "check_name": "currency_known"}
    ]
    assert read(modelled, "select is_deleted from core.deal where deal_id = '6'") == [{"is_deleted": True}]

    people = people_of(modelled)
    assert people["11"] == people["12"] == people["13"] == deals["11"]["person_id"]
    assert len({people[number] for number in ("13", "21", "22", "31", "32")}) == 5
    refused = read(modelled, "select identifier, reason from core.identity_refusal order by identifier")
    assert refused == [{"identifier": number, "reason": "merge_circle"} for number in ("21", "22")]
    assert read(modelled, "select count(*) as rows from marts.person where contact_id in ('11', '12', '13')") == [
        {"rows": 1}
    ]


@fault(68, "a restated number in a digest that was sent", "marts", "the next digest says by how much, and from when on")
@SECOND_MODEL
def test_the_digest_tells_that_the_past_was_restated(modelled: Settings) -> None:
    said = {
        "kate": "Google Ads changed what it had said of earlier weeks,"
        " from 26\u00a0October on: cost +€10, conversions +4.",
        "marina": "Google Ads: изменены цифры прошлых недель,"
        " начиная с 26\u00a0октября: расход +10\u202f€, конверсии +4.",
        "olena": "Google Ads: змінено цифри минулих тижнів,"
        " починаючи з 26\u00a0жовтня: витрати +10\u202f€, конверсії +4.",
    }
    for person_id, line in said.items():
        # The batches landed in the week of 9 November; what changed of that week itself is nobody's past.
        _, told = reports.preview(context(modelled, datetime(2026, 11, 16, 9, tzinfo=UTC)), person_id)
        assert line in told
        _, later = reports.preview(context(modelled, datetime(2026, 11, 23, 9, tzinfo=UTC)), person_id)
        assert "26\u00a0" not in later
