"""A report of Yandex Direct from the recorded rows: a spec and a frame in, TSV out."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import pandas as pd

from sandbox.faces.yandex_direct_spec import GOAL_METRICS, METRICS, PERIODS, Spec

EMPTY = "--"
LEAD_GOAL = "30010001"  # the goal that the account's conversions are of; other goals have none
_COLUMNS = {
    "CampaignId": "campaign_id",
    "CampaignName": "campaign_name",
    "AdGroupId": "ad_group_id",
    "AdGroupName": "ad_group_name",
    "AdId": "ad_id",
}
_SUMS = ("impressions", "clicks", "cost_micros", "conversions", "conversions_value")


@dataclass(frozen=True)
class Form:
    """How the caller wants it written; money is whole micros, or decimals with two digits."""

    is_micros: bool = True
    has_title: bool = True
    has_names: bool = True
    has_total: bool = True


def tsv(spec: Spec, ads: pd.DataFrame, login: str, form: Form, totals_off: float = 0.0) -> bytes:
    """The report as TSV, UTF-8, lines ended by LF. The account pays no VAT: amounts with and without it are equal.

    `totals_off` is the share by which a report of the account as a whole is too high.
    """
    rows = evaluate(spec, ads, login)
    if spec.type == "ACCOUNT_PERFORMANCE_REPORT":
        rows = rows.assign(
            **{name: (rows[name] * (1 + totals_off)).round() for name in ("Impressions", "Clicks", "Cost")}
        )
    out = io.StringIO(newline="")
    writer = csv.writer(out, delimiter="\t", lineterminator="\n")
    if form.has_title:
        title = f"{spec.name} ({spec.first} - {spec.last})".replace('"', '""')
        out.write(f'"{title}"\n')
    columns = [column for name in spec.fields for column in _spread(name, spec)]
    if form.has_names:
        writer.writerow([label for label, _, _ in columns])
    cells = [[_cell(value, name, form) for value in values] for _, name, values in _filled(columns, rows)]
    writer.writerows(zip(*cells, strict=True))
    if form.has_total:
        out.write(f"Total rows: {len(rows)}\n")
    return out.getvalue().encode("utf-8", "surrogatepass")


def evaluate(spec: Spec, ads: pd.DataFrame, login: str) -> pd.DataFrame:
    """The rows in order, one column for each field of the vendor's name; money in micros, absent values NaN."""
    frame = ads[(ads["date"] >= spec.first) & (ads["date"] <= spec.last)]
    frame = _named(frame, ads, login)
    for field, operator, values in spec.filters:
        if field not in METRICS:
            frame = frame[_matches(frame[field], operator, values)]
    period = next((name for name in spec.grouping if name in PERIODS), None)
    if period:
        starts = {day: _start(day, period) for day in frame["date"].unique()}
        frame = frame.assign(**{period: frame["date"].map(starts)})
    rows = (
        frame.groupby(list(spec.grouping), sort=True)[list(_SUMS)].sum().reset_index() if spec.grouping else _one(frame)
    )
    rows = _measured(rows)
    for field, operator, values in spec.filters:
        if field in METRICS:
            rows = rows[_matches(rows[field], operator, values)]
    for field, is_descending in reversed(spec.order_by):
        rows = rows.sort_values(field, ascending=not is_descending, kind="stable", na_position="last")
    return rows.iloc[spec.offset :].head(spec.limit if spec.limit is not None else len(rows))


def _named(frame: pd.DataFrame, ads: pd.DataFrame, login: str) -> pd.DataFrame:
    """Vendor's names; campaigns and groups are called as they are called now."""
    latest = ads.sort_values("date", kind="stable")
    frame = frame.rename(columns={ours: theirs for theirs, ours in _COLUMNS.items()})
    for key, name in (("campaign", "CampaignName"), ("ad_group", "AdGroupName")):
        names = latest.drop_duplicates(f"{key}_id", keep="last").set_index(f"{key}_id")[f"{key}_name"]
        frame = frame.assign(**{name: frame[name.replace("Name", "Id")].map(names)})
    return frame.assign(ClientLogin=login, CampaignType="TEXT_CAMPAIGN")


def _start(day: date, period: str) -> str:
    starts = {
        "Date": day,
        "Week": day - timedelta(days=day.weekday()),
        "Month": day.replace(day=1),
        "Quarter": day.replace(month=day.month - (day.month - 1) % 3, day=1),
        "Year": day.replace(month=1, day=1),
    }
    return starts[period].isoformat()


def _one(frame: pd.DataFrame) -> pd.DataFrame:
    return frame[list(_SUMS)].sum().to_frame().T if len(frame) else frame[list(_SUMS)]


def _measured(rows: pd.DataFrame) -> pd.DataFrame:
    def over(above: str, below: str, factor: float = 1.0) -> pd.Series[Any]:
        divisor = rows[below].astype("float64")
        return rows[above].astype("float64") * factor / divisor.where(divisor > 0)

    some = rows["conversions"] > 0
    profit = rows["conversions_value"].astype("float64") * 1e6 / rows["cost_micros"].where(rows["cost_micros"] > 0) - 1
    return rows.assign(
        Impressions=rows["impressions"],
        Clicks=rows["clicks"],
        Cost=rows["cost_micros"],
        Ctr=over("clicks", "impressions", 100),
        AvgCpc=over("cost_micros", "clicks"),
        Conversions=rows["conversions"].where(some),
        Revenue=(rows["conversions_value"].astype("float64") * 1e6).round().where(some),
        CostPerConversion=over("cost_micros", "conversions"),
        ConversionRate=over("conversions", "clicks", 100).where(some),
        GoalsRoi=profit.where(some),
    )


def _matches(column: pd.Series[Any], operator: str, values: tuple[str, ...]) -> pd.Series[bool]:
    if operator in ("LESS_THAN", "GREATER_THAN"):
        numbers = pd.to_numeric(column, errors="coerce")
        return numbers < float(values[0]) if operator == "LESS_THAN" else numbers > float(values[0])
    text = column.astype(str)
    if operator == "STARTS_WITH_IGNORE_CASE":
        return text.str.lower().str.startswith(values[0].lower())
    found = text.isin(values)
    return found if operator in ("EQUALS", "IN") else ~found


def _spread(name: str, spec: Spec) -> list[tuple[str, str, str]]:
    """(label, field, goal) of the columns that a field becomes: one, or with goals one for each goal and model."""
    if name not in GOAL_METRICS or not spec.goals:
        return [(name, name, "")]
    return [(f"{name}_{goal}_{model}", name, goal) for goal in spec.goals for model in spec.models or ("AUTO",)]


def _filled(columns: list[tuple[str, str, str]], rows: pd.DataFrame) -> list[tuple[str, str, list[Any]]]:
    return [
        (label, name, [None] * len(rows) if goal not in ("", LEAD_GOAL) else rows[name].tolist())
        for label, name, goal in columns
    ]


def _cell(value: Any, name: str, form: Form) -> str:
    if value is None or value != value or value == "":  # NaN is unequal to itself
        return EMPTY
    if name in ("Cost", "AvgCpc", "CostPerConversion", "Revenue"):
        return str(round(value)) if form.is_micros else f"{value / 1e6:.2f}"
    if name in ("Ctr", "ConversionRate", "GoalsRoi"):
        return f"{value:.2f}"
    if name in ("Impressions", "Clicks"):
        return str(int(value))
    if name == "Conversions":
        return str(int(value)) if float(value).is_integer() else f"{value:.2f}"
    return str(value)
