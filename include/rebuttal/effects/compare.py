"""Exposed against comparable deals that were not: a rate ratio by Poisson regression with robust errors.

The ratio of two rates of yes-or-no outcomes is estimated by a Poisson regression with a log link whose errors are
robust (Zou, Am. J. Epidemiol. 159, 2004) and clustered by person (Zou and Donner, Stat. Methods Med. Res. 22, 2013), by
statsmodels. What may differ between the two sides stands beside the exposure in a fixed order, and enters only while
there are ten events for each parameter (Peduzzi and others, J. Clin. Epidemiol. 49, 1996).
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import statsmodels.api as sm

from rebuttal.effects.estimate import Estimate, Finding, Group

ADJUSTED = ("turn", "earlier", "segment", "period", "owner_id", "channel")  # most telling first
EVENTS_A_PARAMETER = 10
RARE = 20  # a level with fewer occasions is "other"


def compare(rows: pd.DataFrame, metric: str, has_unseen: bool = False) -> Finding:
    """The ratio of the rate of `is_event` among exposed rows to that among the others.

    `rows`, one per occasion: is_event, is_exposed (bool), deal_id, person_id, and the columns of ADJUSTED (text).
    `has_unseen` goes with the finding as it is.
    """
    sides = [_group(rows[rows["is_exposed"] == is_exposed]) for is_exposed in (True, False)]
    treated, other = sides
    if not treated.occasion_count or not other.occasion_count:
        side = "exposed" if not treated.occasion_count else "comparable and not exposed"
        return Finding(metric, "exposed_vs_not", treated, other, None, f"no deal is {side}")
    if not other.event_count and not treated.event_count:
        return Finding(metric, "exposed_vs_not", treated, other, None, "it happened on neither side")
    estimate = _plain(treated, other) if 0 in (treated.event_count, other.event_count) else _fitted(rows)
    return Finding(metric, "exposed_vs_not", treated, other, estimate, has_unseen=has_unseen)


def _group(rows: pd.DataFrame) -> Group:
    return Group(int(rows["deal_id"].nunique()), len(rows), int(rows["is_event"].sum()))


def _plain(treated: Group, other: Group) -> Estimate:
    """Where one side has no event: 0.5 is added to all counts (Haldane), variance of Katz and others (1978)."""
    a, n = treated.event_count + 0.5, treated.occasion_count + 1.0
    b, m = other.event_count + 0.5, other.occasion_count + 1.0
    return Estimate(float(np.log(a / n) - np.log(b / m)), float(np.sqrt(max(1 / a - 1 / n + 1 / b - 1 / m, 1e-12))))


def _fitted(rows: pd.DataFrame) -> Estimate:
    design = pd.DataFrame({"constant": 1.0, "is_exposed": rows["is_exposed"].astype(float)}, index=rows.index)
    allowed = int(rows["is_event"].sum()) // EVENTS_A_PARAMETER - design.shape[1]
    for name in ADJUSTED:
        block = _levels(rows[name])
        if not block.shape[1]:
            continue
        if block.shape[1] > allowed:
            break
        design = design.join(block)
        allowed -= block.shape[1]
    people = pd.factorize(rows["person_id"])[0]
    model = sm.GLM(rows["is_event"].astype(float), design, family=sm.families.Poisson())
    fit: Any = model.fit(cov_type="cluster", cov_kwds={"groups": people}, use_t=True)
    place = list(design.columns).index("is_exposed")
    sides = rows.groupby("is_exposed")["person_id"].nunique()
    freedom = max(float(sides.min()) - 1, 1.0)  # robust errors know no more than the smaller side has people
    return Estimate(float(fit.params.iloc[place]), float(fit.bse.iloc[place]), freedom)


def _levels(column: pd.Series) -> pd.DataFrame:
    """Indicators of a column's levels but the commonest; rare levels are one."""
    values = column.fillna("unknown").astype(str)
    counts = values.value_counts()
    values = values.where(values.map(counts) >= RARE, "other")
    counts = values.value_counts()
    order = sorted(counts.index, key=lambda level: (-int(counts[level]), level))
    if len(order) > 1 and counts[order[-1]] < RARE:  # even together they are too few: they stand with the commonest
        order = order[:-1]
    return pd.DataFrame(
        {f"{column.name}={level}": (values == level).astype(float) for level in order[1:]}, index=column.index
    )
