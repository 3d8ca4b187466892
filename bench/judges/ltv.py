"""Predicted value of customers beside what they truly brought when the world ran on."""

from __future__ import annotations

from collections import defaultdict
from datetime import date, datetime

from bench.judges import marts
from bench.judges.marts import Predicted
from bench.judges.measure import Measures, Query, Truth, ratio

CENT = 0.01


def days_to_run(query: Query, truth: Truth) -> int:
    """How far the world has to run on until every prediction can be judged; 0 where nothing is predicted."""
    now = datetime.fromisoformat(truth["now"]).date()
    return max([0, *((one.until - now).days + 1 for one in marts.ltv(query))])


def ltv(query: Query, now: Truth, later: Truth) -> Measures:
    """What cohorts are predicted to bring still, beside what they brought by the CRM of `later`, refunds taken off.

    `ltv_total_ratio`: all predictions over what came (1 is right). `ltv_error`: the sum of the cohorts' absolute errors
    over what came. `ltv_in_range`: share of the cohorts that brought what lies in the range told (0.8 is said).
    """
    predictions = marts.ltv(query)
    if not predictions:
        return {}
    members = _cohorts(now)
    came = [_brought(later, one, members[one.cohort_month]) for one in predictions]
    errors = sum(abs(one.value - true) for one, true in zip(predictions, came, strict=True))
    inside = sum(one.low - CENT <= true <= one.high + CENT for one, true in zip(predictions, came, strict=True))
    return {
        "ltv_cohorts": float(len(predictions)),
        "ltv_total_ratio": ratio(sum(one.value for one in predictions), sum(came)),
        "ltv_error_lower_is_better": ratio(errors, sum(came)),
        "ltv_in_range": inside / len(predictions),
    }


def _cohorts(truth: Truth) -> dict[date, set[str]]:
    """Month of the first purchase -> the true people who made it then."""
    first: dict[str, date] = {}
    for row in truth["deals"]:
        if row["recorded"]["outcome"] == "won":
            month = _day(row).replace(day=1)
            first[row["person"]] = min(month, first.get(row["person"], month))
    found: dict[date, set[str]] = defaultdict(set)
    for person, month in first.items():
        found[month].add(person)
    return found


def _brought(truth: Truth, prediction: Predicted, people: set[str]) -> float:
    """EUR that these people brought in the predicted months, at the world's own rates."""
    return sum(
        float(row["recorded"]["amount"]) * float(truth["eur_per_unit"][row["currency"]])
        for row in truth["deals"]
        if row["person"] in people
        and row["recorded"]["outcome"] == "won"
        and prediction.since <= _day(row) < prediction.until
    )


def _day(row: dict[str, dict[str, str]]) -> date:
    return datetime.fromisoformat(row["recorded"]["closed_at"]).date()
