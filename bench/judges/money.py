"""Money and what brought it."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

from bench.judges.measure import Measures, Query, Truth, ratio

MODELS = ("first", "last", "last_non_direct", "linear", "time_decay", "position_based")


def money(query: Query, truth: Truth) -> Measures:
    """Our sums over the true ones; 1 is right."""
    measures: Measures = {}
    spent = {source.replace("_", "-"): Decimal(cost) for source, cost in query(
        "SELECT source, sum(cost) FROM core.ad_performance GROUP BY source")}  # fmt: skip
    paid: Counter[str] = Counter()
    for row in truth["spend"]:
        if row["date"] < truth["now"][:10]:
            paid[row["platform"]] += row["cost_micros"]
    for platform, micros in paid.items():
        ours, true = spent.get(platform, Decimal(0)), Decimal(micros) / 1_000_000
        measures[f"spend_{platform}_ratio"] = ratio(float(ours), float(true))
        measures[f"spend_{platform}_off_by_cents_lower_is_better"] = float(abs(ours - true) * 100)
    return measures | _won(query, truth)


def _won(query: Query, truth: Truth) -> Measures:
    """Orders and revenue of the deals that were truly won within the window, refunds taken off, as the CRM keeps them.

    Whether a deal is of the window is the truth's to say: reps type in earlier closing dates days after (3 to 21 days),
    and a deal that such an edit moves out of the window has not lost its money. How much such edits move is measured
    beside it: the share of the revenue that we have in its true week. Each deal in its own currency at the truth's one
    rate: exchange rates are not judged here.
    """
    rates = {currency: Decimal(rate) for currency, rate in truth["eur_per_unit"].items()}
    ours = {
        deal_id: (amount * rates[currency], _week(closed_at))
        for deal_id, amount, currency, closed_at in query(
            "SELECT deal_id, amount, currency, closed_at FROM marts.deal WHERE outcome = 'won'"
        )
    }
    told = {deal["deal_id"]: deal for deal in truth["deals"]}
    begun = truth["from"]
    true = {
        deal_id: (left * rates[deal["currency"]], _week(datetime.fromisoformat(deal["closed_at"])))
        for deal_id, deal in told.items()
        if deal["outcome"] == "won" and deal["closed_at"] >= begun
        and (left := Decimal(deal["amount"]) - Decimal(deal["refund"] or 0)) > 0
    }  # fmt: skip
    before = {deal_id for deal_id, deal in told.items() if deal["outcome"] == "won" and deal["closed_at"] < begun}
    counted = {deal_id: row for deal_id, row in ours.items() if deal_id not in before}
    total = sum(money for money, _ in true.values())
    in_week = sum(money for deal_id, (money, week) in true.items() if ours.get(deal_id) == (money, week))
    return {
        "orders_ratio": ratio(len(counted), len(true)),
        "revenue_ratio": ratio(float(sum(money for money, _ in counted.values())), float(total)),
        "revenue_off_by_cents_lower_is_better": abs(float(100 * (sum(money for money, _ in counted.values()) - total))),
        "revenue_in_its_week": ratio(float(in_week), float(total)),
    }


def _week(at: datetime) -> date:
    day = at.astimezone(UTC).date()
    return day - timedelta(days=day.weekday())


def attribution(query: Query, truth: Truth) -> Measures:
    """How far each model's shares of leads are from what channels truly added (total variation distance, 0 to 1)."""
    added = {name: (row["incremental"] or {}).get("leads", 0) for name, row in truth["channels"].items()}
    added["offline"] = added.pop("word_of_mouth", 0)
    true = {name: max(0, leads) for name, leads in added.items()}
    measures: Measures = {}
    for model in MODELS:
        ours = {channel: float(credit) for channel, credit in query(
            "SELECT channel, sum(credit) FROM marts.attribution_credit "
            f"WHERE conversion_type = 'lead' AND model = '{model}' GROUP BY channel")}  # fmt: skip
        measures[f"attribution_{model}_distance_lower_is_better"] = _distance(ours, true)
    return measures


def _distance(ours: dict[str, float], true: dict[str, float]) -> float | None:
    ours = {name: value for name, value in ours.items() if name != "unknown"}
    mine, theirs = sum(ours.values()), sum(true.values())
    if not mine or not theirs:
        return None
    names = ours.keys() | true.keys()
    return sum(abs(ours.get(name, 0) / mine - true.get(name, 0) / theirs) for name in names) / 2
