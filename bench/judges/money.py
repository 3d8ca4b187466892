"""Money to the cent: spend by platform, revenue, orders and refunds by currency, each by month."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal

from bench.judges import marts
from bench.judges.measure import Measures, Query, Truth, ratio

CENT = Decimal("0.01")
Cell = tuple[str, str]  # month, currency or what else parts it


def money(query: Query, truth: Truth) -> Measures:
    """`*_months_equal`: of the months (and currencies) that either side has, the share that agrees to the cent.

    Revenue and orders are what the CRM holds: net of refunds, in the month of its closing date. Dates that somebody
    typed in later move deals between months: `revenue_in_true_month` is the share of the money that stands in the month
    in which the deal was truly won.
    """
    return _spend(query, truth) | _sales(query, truth)


def _spend(query: Query, truth: Truth) -> Measures:
    ours: dict[str, dict[Cell, Decimal]] = defaultdict(dict)
    for source, currency, month, cost in query(
        "SELECT source, currency, strftime(report_date, '%Y-%m'), sum(cost) FROM core.ad_performance GROUP BY 1, 2, 3"
    ):
        ours[source.replace("_", "-")][month, currency] = Decimal(str(cost))
    true: dict[str, Counter[Cell]] = defaultdict(Counter)
    for row in truth["spend"]:
        if row["date"] < truth["now"][:10]:
            true[row["platform"]][row["date"][:7], row["currency"]] += row["cost_micros"]
    measures: Measures = {}
    for platform in sorted(true):
        wanted = {cell: Decimal(micros) / 1_000_000 for cell, micros in true[platform].items()}
        mine, theirs = sum(ours[platform].values(), Decimal()), sum(wanted.values(), Decimal())
        measures[f"spend_{platform}_months_equal"] = equal(ours[platform], wanted)
        measures[f"spend_{platform}_ratio"] = ratio(float(mine), float(theirs))
        measures[f"spend_{platform}_off_by_cents_lower_is_better"] = float(abs(mine - theirs) * 100)
    return measures


def _sales(query: Query, truth: Truth) -> Measures:
    ours = {
        deal.deal_id: ((_month(deal.closed_at), deal.currency), deal.amount)
        for deal in marts.deals(query)
        if deal.outcome == "won" and deal.closed_at is not None
    }
    held: dict[str, tuple[Cell, Decimal]] = {}
    true: dict[str, tuple[Cell, Decimal]] = {}
    given_back: dict[Cell, Decimal] = defaultdict(Decimal)
    for row in truth["deals"]:
        currency, recorded, refund = row["currency"], row["recorded"], Decimal(row["refund"] or 0)
        if recorded["outcome"] == "won":
            cell = (_month(datetime.fromisoformat(recorded["closed_at"])), currency)
            held[row["deal_id"]] = (cell, Decimal(recorded["amount"]))
        if row["outcome"] == "won" and refund < Decimal(row["amount"]):
            cell = (_month(datetime.fromisoformat(row["closed_at"])), currency)
            true[row["deal_id"]] = (cell, Decimal(row["amount"]) - refund)
        if refund:
            given_back[_month(datetime.fromisoformat(row["refunded_at"])), currency] += refund
    rates = {name: Decimal(str(rate)) for name, rate in truth["eur_per_unit"].items()}
    # Currencies are added up at the world's own rates: exchange is not judged here.
    in_place = sum(amount * rates[cell[1]] for deal, (cell, amount) in true.items() if ours.get(deal) == (cell, amount))
    mine, theirs = _total(ours, rates), _total(true, rates)
    refunds = marts.refunds(query)
    return {
        "revenue_months_equal": equal(_sums(ours), _sums(held)),
        "revenue_in_true_month": ratio(float(in_place), float(theirs)),
        "revenue_ratio": ratio(float(mine), float(theirs)),
        "revenue_off_by_cents_lower_is_better": float(abs(mine - theirs) * 100),
        "orders_months_equal": equal(_counts(ours), _counts(held)),
        "orders_ratio": ratio(len(ours), len(true)),
        "refunds_months_equal": None if refunds is None else equal(refunds, given_back),
    }


def equal(ours: Mapping[Cell, Decimal | int], true: Mapping[Cell, Decimal | int]) -> float | None:
    """The share of cells of either side in which both agree to the cent."""
    cells = ours.keys() | true.keys()
    same = sum(abs(Decimal(ours.get(cell, 0)) - Decimal(true.get(cell, 0))) < CENT for cell in cells)
    return ratio(same, len(cells))


def _sums(deals: Mapping[str, tuple[Cell, Decimal]]) -> Mapping[Cell, Decimal]:
    sums: dict[Cell, Decimal] = defaultdict(Decimal)
    for cell, amount in deals.values():
        sums[cell] += amount
    return sums


def _counts(deals: Mapping[str, tuple[Cell, Decimal]]) -> Mapping[Cell, int]:
    return Counter(cell for cell, _ in deals.values())


def _total(deals: Mapping[str, tuple[Cell, Decimal]], rates: Mapping[str, Decimal]) -> Decimal:
    return sum((amount * rates[cell[1]] for cell, amount in deals.values()), Decimal())


def _month(at: datetime) -> str:
    return at.strftime("%Y-%m")
