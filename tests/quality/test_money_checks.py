"""Batches whose money changed its currency or its unit, whose fields changed their type, whose totals do not agree."""

from __future__ import annotations

import json
from typing import Any

import pytest
from landed import context, land, land_in, read, row
from sqlalchemy import insert

from rebuttal import quality
from rebuttal.settings import Settings
from rebuttal.warehouse import open_warehouse
from rebuttal.warehouse.tables import vendor_total

ADS, DEALS = "google_ads.ad_performance", "hubspot.deals"


def ads(*days: int, **changed: str | None) -> list[dict[str, str | None]]:
    """Good advertising days of November."""
    return [row(ADS, date=f"2026-11-{day:02d}", **changed) for day in days]


def deals(*numbers: int, amount: int, at: int = 1, **changed: str | None) -> list[dict[str, str | None]]:
    """Deals of about `amount`."""
    return [
        row(DEALS, deal_id=str(n), amount=str(amount + n), updated_at=f"2026-11-{at:02d}T09:00:00Z", **changed)
        for n in numbers
    ]


def admitted(settings: Settings, stream: str, rows: list[Any], **more: Any) -> tuple[str, dict[str, dict[str, Any]]]:
    """The batch's status after admission, and its broken checks."""
    batch_id = land(settings, stream, rows, **more)
    quality.run(context(settings))
    status = read(settings, "select status from ops.batch where batch_id = :b", b=batch_id)[0]["status"]
    checks = read(settings, "select * from ops.check_result where batch_id = :b and not is_passed", b=batch_id)
    return status, {check["check_name"]: check for check in checks}


def test_cost_in_another_unit_is_held(any_settings: Settings) -> None:
    assert admitted(any_settings, ADS, ads(1, 2, 3, cost_micros="7000000")) == ("admitted", {})
    # One new day in units where millionths are declared, among days that are told again as they were.
    rows = ads(2, 3, cost_micros="7000000") + ads(4, cost_micros="7")
    status, broken = admitted(any_settings, ADS, rows)
    assert (status, list(broken)) == ("held", ["cost_in_units"])
    assert json.loads(broken["cost_in_units"]["examples"]) == ["2026-11-04: 1e-06 EUR a click, usually 1"]
    assert read(any_settings, "select count(*) as rows from core.ad_performance") == [{"rows": 3}]
    # A price war is no change of unit; another currency has a history of its own.
    assert admitted(any_settings, ADS, ads(5, cost_micros="6993000000")) == ("admitted", {})
    status, broken = admitted(any_settings, ADS, ads(6, cost_micros="70000000000", currency="VND"))
    assert (status, list(broken)) == ("admitted", ["currency_kept"])


def test_currencies_are_told_and_kept_with_their_rows(any_settings: Settings) -> None:
    two = ads(1, 2) + ads(3, currency="USD")
    status, broken = admitted(any_settings, ADS, two)
    assert (status, list(broken), broken["currency_one"]["failed_count"]) == ("admitted", ["currency_one"], 1)
    assert json.loads(broken["currency_one"]["examples"]) == ["EUR: 2 rows", "USD: 1 rows"]
    status, broken = admitted(any_settings, ADS, ads(4, currency="PLN"))
    assert (status, list(broken), broken["currency_kept"]["severity"]) == ("admitted", ["currency_kept"], "warning")
    assert admitted(any_settings, ADS, ads(5, currency="USD")) == ("admitted", {})


def test_deals_in_cents_are_held(any_settings: Settings) -> None:
    assert admitted(any_settings, DEALS, deals(*range(1, 31), amount=1000)) == ("admitted", {})
    # Three that grew, one of them by chance a hundredfold: people change amounts.
    grown = [*deals(1, 2, amount=1500, at=2), *deals(3, amount=100_297, at=2)]
    assert admitted(any_settings, DEALS, grown) == ("admitted", {})
    cents = [
        row(DEALS, deal_id=str(n), amount=str((1000 + n) * 100), updated_at="2026-11-03T09:00:00Z") for n in (5, 6, 7)
    ]
    status, broken = admitted(any_settings, DEALS, cents)
    assert (status, list(broken), broken["amounts_in_units"]["failed_count"]) == ("held", ["amounts_in_units"], 3)
    status, broken = admitted(any_settings, DEALS, deals(*range(40, 60), amount=100_000))
    assert (status, list(broken)) == ("held", ["amounts_in_units"])
    assert "20 new deals in EUR: median 100050, usually" in broken["amounts_in_units"]["examples"]
    assert admitted(any_settings, DEALS, deals(*range(60, 79), amount=100_000)) == ("admitted", {})  # too few to say


@pytest.mark.parametrize(("broken_rows", "status"), [(19, "admitted"), (20, "held")])
def test_a_field_of_another_type_is_held_by_its_name(settings: Settings, broken_rows: int, status: str) -> None:
    rows = [row(DEALS, deal_id=str(n), amount="1 200; x=1" if n < broken_rows else "1200") for n in range(80)]
    found, broken = admitted(settings, DEALS, rows)
    assert found == status
    if status == "held":
        assert json.loads(broken["fields_keep_type"]["examples"]) == ["amount: 20 of 80 rows"]
        assert set(broken) == {"values_readable", "fields_keep_type"}
    else:
        assert set(broken) == {"values_readable"}


def test_a_field_that_was_never_readable_holds_nothing_new(settings: Settings) -> None:
    first = [row(DEALS, deal_id=str(n), amount="?" if n < 19 else "1200") for n in range(60)]
    assert admitted(settings, DEALS, first)[0] == "admitted"
    again = [row(DEALS, deal_id=f"b{n}", amount="?" if n < 25 else "1200") for n in range(80)]
    assert admitted(settings, DEALS, again)[0] == "admitted"
    worse = [row(DEALS, deal_id=f"c{n}", amount="?" if n < 56 else "1200") for n in range(80)]
    assert "fields_keep_type" in admitted(settings, DEALS, worse)[1]


@pytest.mark.parametrize(("clicks", "status"), [("21", "admitted"), ("28", "held")])
def test_rows_add_up_to_the_vendors_total(any_settings: Settings, clicks: str, status: str) -> None:
    with open_warehouse(any_settings) as engine:
        batch_id = land_in(engine, ADS, ads(1, 2, 3))
        totals = [{"measure": "clicks", "total": clicks}, {"measure": "cost", "total": "3.703701"}]
        with engine.begin() as connection:
            connection.execute(insert(vendor_total), [{"batch_id": batch_id, **total} for total in totals])
    quality.run(context(any_settings))
    assert read(any_settings, "select status from ops.batch") == [{"status": status}]
    check = read(any_settings, "select * from ops.check_result where check_name = 'totals_agree'")
    assert len(check) == 1
    shown = json.loads(check[0]["examples"]) if check[0]["examples"] else []
    assert shown == ([] if status == "admitted" else ["clicks: rows 21, vendor 28"])
