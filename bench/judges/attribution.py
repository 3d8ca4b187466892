"""What each model says brought leads, orders and money, beside what each channel truly added."""

from __future__ import annotations

from bench.judges import marts
from bench.judges.journeys import OURS
from bench.judges.measure import Measures, Query, Truth

# Conversion type of the mart and whether its money counts -> field of the truth's `incremental`, name of the measure.
JUDGED = {
    ("lead", False): ("leads", "distance"),
    ("won", False): ("deals_won", "orders_distance"),
    ("won", True): ("revenue_eur", "revenue_distance"),
}


def attribution(query: Query, truth: Truth) -> Measures:
    """Half the sum of differences between a model's shares and the true incremental shares (0 to 1), for every model
    that the mart holds. `distance` is of leads; what went to `unknown` counts for nobody; harm is nothing added."""
    measures: Measures = {}
    for (kind, model), credits in marts.attribution(query).items():
        for is_money in (False, True):
            if (kind, is_money) not in JUDGED:
                continue
            field, name = JUDGED[kind, is_money]
            ours = {channel: one.value if is_money else one.conversions for channel, one in credits.items()}
            measures[f"attribution_{model}_{name}_lower_is_better"] = distance(ours, incremental(truth, field))
    return measures


def incremental(truth: Truth, field: str) -> dict[str, float]:
    """What each channel truly added, under our names of the channels."""
    return {
        OURS.get(name, name): max(0.0, float((row["incremental"] or {}).get(field, 0)))
        for name, row in truth["channels"].items()
    }


def distance(ours: dict[str, float], true: dict[str, float]) -> float | None:
    """Total variation distance of two sets of shares, 0 to 1; None where either side has nothing. What takes away
    (a negative credit, as of conversion rates) is nothing added, on either side."""
    ours = {name: max(0.0, value) for name, value in ours.items() if name != "unknown"}
    true = {name: max(0.0, value) for name, value in true.items()}
    mine, theirs = sum(ours.values()), sum(true.values())
    if not mine or not theirs:
        return None
    names = ours.keys() | true.keys()
    return sum(abs(ours.get(name, 0) / mine - true.get(name, 0) / theirs) for name in names) / 2
