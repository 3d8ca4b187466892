"""Money and what brought it."""

from __future__ import annotations

from collections import Counter

from bench.judges.measure import Measures, Query, Truth, ratio

MODELS = (
    *("first", "last", "last_non_direct", "linear", "time_decay", "position_based", "shapley"),
    *("markov", "markov_2", "shapley_rate"),
)


def money(query: Query, truth: Truth) -> Measures:
    """Our sums over the true ones; 1 is right."""
    measures: Measures = {}
    spent = {source.replace("_", "-"): float(cost) for source, cost in query(
        "SELECT source, sum(cost) FROM core.ad_performance GROUP BY source")}  # fmt: skip
    paid: Counter[str] = Counter()
    for row in truth["spend"]:
        if row["date"] < truth["now"][:10]:
            paid[row["platform"]] += row["cost_micros"]
    for platform, micros in paid.items():
        measures[f"spend_{platform}_ratio"] = ratio(spent.get(platform, 0.0), micros / 1_000_000)
    # Revenue net of refunds, as the CRM keeps it, in each deal's own currency: exchange rates are not judged here.
    rates = {currency: float(rate) for currency, rate in truth["eur_per_unit"].items()}
    begun = truth["from"][:10]
    won = query(
        "SELECT currency, sum(amount) FROM marts.deal "
        f"WHERE outcome = 'won' AND closed_at >= '{begun}' GROUP BY currency"
    )
    ours = sum(float(amount) * rates[currency] for currency, amount in won)
    true = sum(float(amount) * rates[currency] for currency, amount in truth["money"]["revenue"].items())
    true -= sum(float(amount) * rates[currency] for currency, amount in truth["money"]["refunds"].items())
    measures["revenue_ratio"] = ratio(ours, true)
    return measures


def attribution(query: Query, truth: Truth) -> Measures:
    """How far each model's shares of leads are from what channels truly added (total variation distance, 0 to 1)."""
    added = {name: (row["incremental"] or {}).get("leads", 0) for name, row in truth["channels"].items()}
    added["offline"] = added.pop("word_of_mouth", 0)
    true = {name: max(0, leads) for name, leads in added.items()}
    measures: Measures = {}
    for model in MODELS:
        ours = {channel: float(credit) for channel, credit in query(
            "SELECT name, conversions FROM marts.attribution WHERE period_kind = 'all' AND dimension = 'channel' "
            f"AND conversion_type = 'lead' AND model = '{model}'")}  # fmt: skip
        measures[f"attribution_{model}_distance_lower_is_better"] = _distance(ours, true)
    return measures


def _distance(ours: dict[str, float], true: dict[str, float]) -> float | None:
    ours = {name: value for name, value in ours.items() if name != "unknown" and value > 0}
    mine, theirs = sum(ours.values()), sum(true.values())
    if not mine or not theirs:
        return None
    names = ours.keys() | true.keys()
    return sum(abs(ours.get(name, 0) / mine - true.get(name, 0) / theirs) for name in names) / 2
