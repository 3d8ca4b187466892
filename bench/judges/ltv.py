"""Predicted value of customers beside what they truly brought when the world ran on."""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime, timedelta

from scipy.stats import spearmanr

from bench.judges import marts
from bench.judges.identity import persons_of
from bench.judges.measure import Measures, Query, Truth, ratio


def horizon_days(query: Query) -> int:
    """How far the world has to run on for the longest prediction; 0 where nothing is predicted."""
    return max((one.horizon_days for one in marts.ltv(query) or ()), default=0)


def ltv(query: Query, now: Truth, later: Truth) -> Measures:
    """`later` is the truth after `horizon_days`. Money in EUR, refunds taken off, by the day of winning.

    `ltv_total_ratio`: all predictions over what came (1 is right). `ltv_error`: the sum of absolute errors over what
    came. `ltv_rank_correlation`: whether those who bring more are those predicted to (Spearman, -1 to 1).
    """
    of_whom: dict[str, set[str]] = defaultdict(set)
    true_of = persons_of(now)
    for node, person in marts.people(query).items():
        if node in true_of:
            of_whom[person].add(true_of[node])
    begun = datetime.fromisoformat(now["now"])
    predictions = marts.ltv(query) or []
    brought = {
        days: _brought(later, begun, begun + timedelta(days=days)) for days in {one.horizon_days for one in predictions}
    }
    predicted = [one.value for one in predictions]
    came = [sum(brought[one.horizon_days][who] for who in of_whom[one.person_id]) for one in predictions]
    errors = sum(abs(mine - true) for mine, true in zip(predicted, came, strict=True))
    is_varied = len(set(predicted)) > 1 and len(set(came)) > 1
    return {
        "ltv_people": float(len(predicted)),
        "ltv_total_ratio": ratio(sum(predicted), sum(came)),
        "ltv_error_lower_is_better": ratio(errors, sum(came)),
        "ltv_rank_correlation": float(spearmanr(predicted, came).statistic) if is_varied else None,
    }


def _brought(truth: Truth, since: datetime, until: datetime) -> dict[str, float]:
    """True person -> EUR of the deals won from `since` to `until`."""
    found: dict[str, float] = defaultdict(float)
    for row in truth["deals"]:
        if row["outcome"] == "won" and since <= datetime.fromisoformat(row["closed_at"]) < until:
            amount = float(row["amount"]) - float(row["refund"] or 0)
            found[row["person"]] += amount * float(truth["eur_per_unit"][row["currency"]])
    return found
