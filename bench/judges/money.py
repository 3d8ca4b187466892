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

    Revenue and orders are what the CRM holds: net of refunds, in the month of its closing date. `*_true_months_equal`
    puts them where the deal was truly won: closing dates that somebody typed in later move deals between months.
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
        measures[f"spend_{platform}_months_equal"] = equal(ours[platform], wanted)
        measures[f"spend_{platform}_ratio"] = _part(ours[platform], wanted)
    return measures


def _sales(query: Query, truth: Truth) -> Measures:
    sums: dict[Cell, Decimal] = defaultdict(Decimal)
    orders: Counter[Cell] = Counter()
    for deal in marts.deals(query):
        if deal.outcome == "won" and deal.closed_at is not None:
            cell = (deal.closed_at.strftime("%Y-%m"), deal.currency)
            sums[cell] += deal.amount
            orders[cell] += 1
    held_sums: dict[Cell, Decimal] = defaultdict(Decimal)
    true_sums: dict[Cell, Decimal] = defaultdict(Decimal)
    held_orders, true_orders = Counter[Cell](), Counter[Cell]()
    given_back: dict[Cell, Decimal] = defaultdict(Decimal)
    for row in truth["deals"]:
        currency, held = row["currency"], row["recorded"]
        if held["outcome"] == "won":
            cell = (_month(held["closed_at"]), currency)
            held_sums[cell] += Decimal(held["amount"])
            held_orders[cell] += 1
        refund = Decimal(row["refund"] or 0)
        if row["outcome"] == "won" and refund < Decimal(row["amount"]):
            cell = (_month(row["closed_at"]), currency)
            true_sums[cell] += Decimal(row["amount"]) - refund
            true_orders[cell] += 1
        if refund:
            given_back[_month(row["refunded_at"]), currency] += refund
    refunds = marts.refunds(query)
    rates = {name: Decimal(str(rate)) for name, rate in truth["eur_per_unit"].items()}
    return {
        "revenue_months_equal": equal(sums, held_sums),
        "revenue_true_months_equal": equal(sums, true_sums),
        "revenue_ratio": _part(sums, true_sums, rates),
        "orders_months_equal": equal(orders, held_orders),
        "orders_true_months_equal": equal(orders, true_orders),
        "orders_ratio": ratio(sum(orders.values()), sum(true_orders.values())),
        "refunds_months_equal": None if refunds is None else equal(refunds, given_back),
    }


def equal(ours: Mapping[Cell, Decimal | int], true: Mapping[Cell, Decimal | int]) -> float | None:
    """The share of cells of either side in which both agree to the cent."""
    cells = ours.keys() | true.keys()
    same = sum(abs(Decimal(ours.get(cell, 0)) - Decimal(true.get(cell, 0))) < CENT for cell in cells)
    return ratio(same, len(cells))


def _part(
    ours: Mapping[Cell, Decimal], true: Mapping[Cell, Decimal], rates: Mapping[str, Decimal] | None = None
) -> float | None:  # fmt: skip
    """Our sum over the true one. Currencies are added up at the world's own rates: exchange is not judged here."""

    def total(cells: Mapping[Cell, Decimal]) -> Decimal:
        return sum((value * (rates[currency] if rates else 1) for (_, currency), value in cells.items()), Decimal())

    return ratio(float(total(ours)), float(total(true)))


def _month(at: str) -> str:
    return datetime.fromisoformat(at).strftime("%Y-%m")
