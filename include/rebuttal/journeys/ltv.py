"""Predicted lifetime value: revenue of a customer from the first purchase until twelve months after it.

Repeat purchases of a cohort and segment in its k-th calendar month after the first purchase are taken as Poisson with
mean customers x exp(a + b f(k) + segment), a generalised linear model with ln(customers) as offset (statsmodels). f is
ln k (a power decay) or k (an exponential one), whichever makes the data likelier. A purchase is worth the mean repeat
purchase of its segment. What complete months have shown counts as it was; only the
months to come are predicted. Between what they lie eight of ten times is drawn (`ltv_range`). How good the mean is, is
measured by holding the newest complete months back: the model is fitted without them, predicts them, and the error
stands beside every prediction.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib import resources
from typing import Any

import numpy as np
import pandas as pd
from sqlalchemy import Column, Engine, MetaData, Numeric, Table, text

from rebuttal.journeys.ltv_range import Draws, Spread, bounds
from rebuttal.warehouse.columns import add_missing_columns
from rebuttal.warehouse.replace import replace_rows
from rebuttal.warehouse.tables import DATE, INT, MARTS_BUILD, REAL, TEXT

HORIZON_MONTHS = 12
HELD_BACK_MONTHS = 3
MIN_REPEAT_ORDERS = 20  # fewer say nothing about a decay
MIN_SEGMENT_ORDERS = 20  # a segment with fewer shares the effect of the others like it
VERSION = "2"
METHOD = "poisson_glm"
DECAYS: dict[str, Callable[[Any], Any]] = {"power": np.log, "exponential": lambda month: month * 1.0}
_REST = "(rest)"
_LEVEL = "level:"

# One row per cohort month and segment, and per cohort month with segment `all`. Predictions are NULL with a `reason`.
ltv_predicted = Table(
    "ltv_predicted",
    MetaData(),
    Column("cohort_month", DATE, nullable=False),
    Column("segment", TEXT, nullable=False),
    Column("customers", INT, nullable=False),
    Column("observed_months", INT, nullable=False),  # complete months after that of the first purchase
    Column("horizon_months", INT, nullable=False),
    Column("ltv_observed_base", REAL),
    Column("ltv_predicted_base", REAL),  # what was observed and what is to come, to the horizon
    Column("ltv_low_base", REAL),  # eight of ten times the value at the horizon lies from here
    Column("ltv_high_base", REAL),  # to here
    Column("reason", TEXT),
    Column("method", TEXT, nullable=False),
    Column("method_version", TEXT, nullable=False),
    Column("held_back_months", INT, nullable=False),
    Column("held_back_predicted_base", Numeric(18, 6)),  # repeat revenue of this row in those months
    Column("held_back_observed_base", Numeric(18, 6)),
    Column("held_back_error", REAL),  # of all rows of the segment: sum of |predicted - observed| / observed
    Column("held_back_bias", REAL),  # of all rows of the segment: predicted / observed - 1
    Column("currency", TEXT, nullable=False),
    schema=MARTS_BUILD,
)


@dataclass(frozen=True)
class Fit:
    """A fitted model: purchases per customer by months since the first, and the worth of one, by segment."""

    intercept: dict[str, float]
    decay: str  # of DECAYS
    slope: float
    likelihood: float
    last_month: int  # the oldest age that was seen; no rate beyond it is higher than there
    order_value: dict[str, float]
    spread: Spread

    def rate(self, segment: str, month: int) -> float:
        """Expected repeat purchases per customer in the `month`-th month (1 is the first after the purchase)."""
        level = segment if segment in self.intercept else _REST
        seen = DECAYS[self.decay](min(max(month, 1), self.last_month))
        ahead = DECAYS[self.decay](max(month, 1))
        return float(np.exp(self.intercept[level] + min(self.slope * ahead, self.slope * seen)))

    def revenue(self, segment: str, month: int) -> float:
        """Expected repeat revenue per customer in that month."""
        return self.rate(segment, month) * self.worth(segment)

    def worth(self, segment: str) -> float:
        """The mean repeat purchase."""
        return self.order_value[segment if segment in self.order_value else _REST]

    def drawn(self, key: str, segment: str, customers: float, months: range) -> Draws:
        """Drawn repeat revenue (DRAWS,) of these customers in these months; `key` names the row."""
        orders = np.array([customers * self.rate(segment, month) for month in months])
        ages = np.array([min(month, self.last_month) if self.slope > 0 else month for month in months], dtype="float64")
        return self.spread.revenue(key, orders, DECAYS[self.decay](ages), _LEVEL + segment, self.worth(segment))


def predict_ltv(engine: Engine, currency: str) -> int:
    """Make marts_build.ltv_predicted say what the build beside it implies; returns the number of rows written."""
    query = (resources.files("rebuttal.journeys") / "sql" / "ltv_months.sql").read_text(encoding="utf-8")
    with engine.begin() as connection:
        ltv_predicted.create(connection, checkfirst=True)
        add_missing_columns(connection, [ltv_predicted])
        months = pd.DataFrame(connection.execute(text(query)).mappings().all(), columns=_COLUMNS)
        rows = pd.DataFrame(predictions(months, currency), columns=[c.name for c in ltv_predicted.columns])
        for column in (*_VALUES, "held_back_error", "held_back_bias"):
            rows[column] = rows[column].astype("float64").round(6)  # no rows change for the last digit of a float
        return replace_rows(connection, ltv_predicted, rows, ("cohort_month", "segment"))


_NUMBERS = ("months_since", "customers", "repeat_orders", "repeat_revenue", "first_revenue", "missing_rate_count")
_VALUES = ("ltv_observed_base", "ltv_predicted_base", "ltv_low_base", "ltv_high_base")
_DRAWN = "drawn"  # of a row while it is made: futures of its revenue to come
_COLUMNS = ("cohort_month", "segment", *_NUMBERS)


def predictions(months: pd.DataFrame, currency: str) -> list[dict[str, Any]]:
    """Rows of ltv_predicted from rows of sql/ltv_months.sql (complete months only), sorted by cohort and segment."""
    if months.empty:
        return []
    months = months.astype(dict.fromkeys(_NUMBERS, "float64")).sort_values(["cohort_month", "segment", "months_since"])
    age = months.groupby("cohort_month")["months_since"].transform("max")
    held_back = min(HELD_BACK_MONTHS, int(age.max()) // 2)
    earlier = months[months["months_since"] <= age - held_back]
    model, before = fit(months), fit(earlier) if held_back else None
    rows = [_row(part, model, before, held_back) for _, part in months.groupby(["cohort_month", "segment"], sort=True)]
    rows += [_sum(part) for _, part in pd.DataFrame(rows).groupby("cohort_month", sort=True)]
    errors = _errors(rows)
    order = sorted(rows, key=lambda row: (row["cohort_month"], row["segment"] != "all", row["segment"]))
    method = f"{METHOD}_{model.decay}" if model else METHOD
    constant = {"horizon_months": HORIZON_MONTHS, "method": method, "method_version": VERSION, "currency": currency}
    told = [{name: value for name, value in row.items() if name != _DRAWN} for row in order]
    return [{**row, **errors.get(row["segment"], {}), **constant, "held_back_months": held_back} for row in told]


def fit(months: pd.DataFrame) -> Fit | None:
    """The model from complete months; None with fewer than MIN_REPEAT_ORDERS repeat purchases or two ages."""
    seen = months[(months["months_since"] >= 1) & (months["missing_rate_count"] == 0)]
    if seen["repeat_orders"].sum() < MIN_REPEAT_ORDERS or seen["months_since"].nunique() < 2:
        return None
    by_segment = seen.groupby("segment")["repeat_orders"].sum()
    own = sorted(by_segment[by_segment >= MIN_SEGMENT_ORDERS].index)
    level = seen["segment"].where(seen["segment"].isin(own), _REST)
    overall = float(seen["repeat_revenue"].sum() / seen["repeat_orders"].sum())
    known = seen if by_segment[~by_segment.index.isin(own)].sum() >= MIN_SEGMENT_ORDERS else seen[level != _REST]
    if known.empty:
        known, level = seen, pd.Series(_REST, index=seen.index)
    return max((_fit(seen, known, level, overall, decay) for decay in DECAYS), key=lambda one: one.likelihood)


def _fit(all_seen: pd.DataFrame, seen: pd.DataFrame, level: pd.Series, overall: float, decay: str) -> Fit:
    """`seen` decides the decay and the levels of its segments; segments outside it get the level of `all_seen`."""
    import statsmodels.api as sm

    level = level[seen.index]
    design = pd.DataFrame({"const": 1.0, "decay": DECAYS[decay](seen["months_since"])}, index=seen.index)
    reference, *others = sorted(level.unique())
    for name in others:
        design[_LEVEL + name] = (level == name).astype(float)
    offset = np.log(seen["customers"])
    result = sm.GLM(seen["repeat_orders"], design, family=sm.families.Poisson(), offset=offset).fit()
    base = float(result.params["const"])
    intercept = {reference: base} | {name: base + float(result.params[_LEVEL + name]) for name in others}
    slope = float(result.params["decay"])
    worth = {
        name: float(part["repeat_revenue"].sum() / part["repeat_orders"].sum()) for name, part in seen.groupby(level)
    }
    shape = all_seen["customers"] * np.exp(slope * DECAYS[decay](all_seen["months_since"]))
    pooled = float(np.log(all_seen["repeat_orders"].sum() / shape.sum()))
    last = int(all_seen["months_since"].max())
    value = {_REST: overall, **worth}
    expected = np.asarray(result.fittedvalues * level.map(value), dtype="float64")
    spread = Spread.of(result, tuple(design.columns), seen, expected)
    return Fit({_REST: pooled, **intercept}, decay, slope, float(result.llf), last, value, spread)


def _row(part: pd.DataFrame, model: Fit | None, before: Fit | None, held_back: int) -> dict[str, Any]:
    """One cohort and segment: observed, predicted, and what the model without the held-back months made of them."""
    first = part.iloc[0]
    segment, customers, age = first["segment"], first["customers"], int(part["months_since"].max())
    shown = part[part["months_since"] <= HORIZON_MONTHS]
    row: dict[str, Any] = {
        "cohort_month": first["cohort_month"], "segment": segment, "customers": int(customers), "observed_months": age,
        **dict.fromkeys(_VALUES), "reason": None, _DRAWN: None,
        "held_back_predicted_base": None, "held_back_observed_base": None,
    }  # fmt: skip
    if part["missing_rate_count"].sum():
        return row | {"reason": "an exchange rate is missing"}
    observed = float((shown["first_revenue"] + shown["repeat_revenue"]).sum() / customers)
    row["ltv_observed_base"] = observed
    if age >= HORIZON_MONTHS:
        row["ltv_predicted_base"] = row["ltv_low_base"] = row["ltv_high_base"] = observed
    elif model is None:
        row["reason"] = f"fewer than {MIN_REPEAT_ORDERS} repeat purchases, or fewer than two months of them"
    else:
        months = range(age + 1, HORIZON_MONTHS + 1)
        row["ltv_predicted_base"] = observed + sum(model.revenue(segment, month) for month in months)
        row[_DRAWN] = model.drawn(f"{first['cohort_month']}/{segment}", segment, customers, months)
        row |= _range(observed, row[_DRAWN], customers)
    if before is not None and age - held_back >= 0:
        hidden = part[part["months_since"] > age - held_back]
        expected = sum(before.revenue(segment, int(month)) for month in hidden["months_since"])
        row["held_back_predicted_base"] = round(float(customers) * expected, 6)
        row["held_back_observed_base"] = round(float(hidden["repeat_revenue"].sum()), 6)
    return row


def _range(observed: float, drawn: Draws, customers: float) -> dict[str, float]:
    """The bounds of a cohort's value; the drawn ones are of all its customers together."""
    low, high = bounds(drawn)
    return {"ltv_low_base": observed + low / customers, "ltv_high_base": observed + high / customers}


def _sum(part: pd.DataFrame) -> dict[str, Any]:
    """All segments of a cohort: means weighted by customers, sums of money; missing where a part is missing."""
    customers = part["customers"]
    row: dict[str, Any] = {
        "cohort_month": part["cohort_month"].iloc[0], "segment": "all", "customers": int(customers.sum()),
        "observed_months": int(part["observed_months"].iloc[0]),
        "reason": next((reason for reason in part["reason"] if isinstance(reason, str)), None),
    }  # fmt: skip
    for name in ("ltv_observed_base", "ltv_predicted_base"):
        whole = bool(part[name].notna().all())
        row[name] = float((part[name].astype(float) * customers).sum() / customers.sum()) if whole else None
    drawn = [one for one in part[_DRAWN] if one is not None]
    if drawn and row["ltv_predicted_base"] is not None:
        row |= _range(row["ltv_observed_base"], np.sum(drawn, axis=0), row["customers"])
    else:
        row["ltv_low_base"] = row["ltv_high_base"] = row["ltv_predicted_base"]
    for name in ("held_back_predicted_base", "held_back_observed_base"):
        row[name] = round(float(part[name].astype(float).sum()), 6) if part[name].notna().all() else None
    return row


def _errors(rows: list[dict[str, Any]]) -> dict[str, dict[str, float]]:
    """By segment: how far the held-back months were from what the model without them expected."""
    found: dict[str, dict[str, float]] = {}
    for segment in {row["segment"] for row in rows}:
        pairs = [
            (row["held_back_predicted_base"], row["held_back_observed_base"])
            for row in rows
            if row["segment"] == segment and row["held_back_predicted_base"] is not None
        ]
        observed = sum(true for _, true in pairs)
        if observed:
            found[segment] = {
                "held_back_error": sum(abs(made - true) for made, true in pairs) / observed,
                "held_back_bias": sum(made for made, _ in pairs) / observed - 1,
            }
    return found
