"""A declared chart as Superset's form data. One function a kind; the rest is shared.

| kind | options |
|---|---|
| number | measures: one; size: of the figure, as a share of the height |
| trend | measures: one; every: day, week or month. No change in per cent: Superset shows +0.0 % after a zero |
| line, bar | x: time column (with every) or any column; measures; by: column of the series; stack; bounds |
| | share: parts of the whole; horizontal; full: the axis ends at 100 % |
| ranking | x: column; measures: one; top: how many bars; ordered: by name and not by size |
| table | columns, order: [[column, asc or desc], ...]; or rows: column(s) and measures; dates: month; page; search |
| pivot | rows, across, measures: one; heat: true to shade |
| funnel | x: column, measures: one |

All take `where` (SQL over the dataset's columns), `limit`, `note` (a sentence before the definitions)
and `unfiltered`: filters that pass it by.
"""

from __future__ import annotations

from typing import Any

from bi.declarations import FORMATS, Chart, Dataset, Measure, load_datasets
from bi.palette import base_currency

GRAINS = {"day": "P1D", "week": "P1W", "month": "P1M"}
VIZ = {
    "number": "big_number_total",
    "trend": "big_number",
    "line": "echarts_timeseries_line",
    "bar": "echarts_timeseries_bar",
    "ranking": "echarts_timeseries_bar",
    "table": "table",
    "pivot": "pivot_table_v2",
    "funnel": "funnel",
}
MONEY = ("money", "price")
DATE = "%d %b %Y"


def form_data(chart: Chart) -> dict[str, Any]:
    """Everything that Superset stores of the chart, but for the dataset's number."""
    dataset = load_datasets()[chart.dataset]
    filters = []
    if dataset.time:
        filters.append(_temporal(dataset.time))
    if where := chart.options.get("where"):
        filters.append({"expressionType": "SQL", "sqlExpression": where, "clause": "WHERE"})
    made = {
        "viz_type": VIZ[chart.kind],
        "adhoc_filters": filters,
        "row_limit": int(chart.options.get("limit", 1000)),
        "time_range": "No filter",
    }
    return made | _OF_KIND[chart.kind](chart, dataset)


def definition(chart: Chart) -> str:
    """What stands under the title: what is shown, what each measure means, by the metric dictionary."""
    dataset = load_datasets()[chart.dataset]
    parts = [str(chart.options["note"])] if "note" in chart.options else []
    for name in chart.measures:
        measure = dataset.measures[name]
        several = len(chart.measures) > 1
        parts.append(f"{measure.label}: {measure.definition}" if several else measure.definition)
    return " ".join(part if part.endswith((".", ")", "?")) else f"{part}." for part in parts)


def _temporal(column: str) -> dict[str, Any]:
    return {
        "expressionType": "SIMPLE",
        "subject": column,
        "operator": "TEMPORAL_RANGE",
        "comparator": "No filter",
        "clause": "WHERE",
    }


def _axis(measure: Measure) -> dict[str, Any]:
    shown: dict[str, Any] = {"y_axis_format": FORMATS[measure.format]}
    if measure.format in MONEY:
        shown["currency_format"] = {"symbol": base_currency(), "symbolPosition": "prefix"}
    return shown


def _number(chart: Chart, dataset: Dataset) -> dict[str, Any]:
    measure = dataset.measures[chart.measures[0]]
    return {
        "metric": measure.label,
        "header_font_size": float(chart.options.get("size", 0.3)),
        "subtitle": chart.options.get("subtitle", ""),
        "subtitle_font_size": 0.125,
        "time_format": DATE,
        **_axis(measure),
    }


def _trend(chart: Chart, dataset: Dataset) -> dict[str, Any]:
    measure = dataset.measures[chart.measures[0]]
    return {
        "metric": measure.label,
        "x_axis": dataset.time,
        "time_grain_sqla": GRAINS[chart.options["every"]],
        "show_trend_line": True,
        "show_timestamp": True,
        "start_y_axis_at_zero": True,
        "header_font_size": 0.3,
        "subheader_font_size": 0.125,
        "time_format": DATE,
        "rolling_type": "None",
        "color_picker": {"r": 53, "g": 102, "b": 184, "a": 1},
        **_axis(measure),
    }


def _series(chart: Chart, dataset: Dataset) -> dict[str, Any]:
    by = chart.options.get("by")
    temporal = dataset.columns.get(chart.options["x"]) in ("date", "time")
    shared = chart.options.get("share", False)
    made = {
        "x_axis": dataset.shown(chart.options["x"]),
        "metrics": [dataset.measures[name].label for name in chart.measures],
        "groupby": [dataset.shown(by)] if by else [],
        "stack": "Stack" if chart.options.get("stack") else None,
        "contributionMode": "row" if shared else None,
        "color_scheme": "rebuttal",
        "show_legend": bool(by) or len(chart.measures) > 1,
        "legendType": "scroll",
        "legendOrientation": "top",
        "rich_tooltip": True,
        "tooltipTimeFormat": DATE,
        "x_axis_time_format": "%b %Y" if chart.options.get("every") == "month" else "%d %b",
        "truncate_metric": True,
        "order_desc": True,
        "sort_series_type": "sum",
        "sort_series_ascending": False,
        "truncateYAxis": False,
        "row_limit": 10000,
        "markerEnabled": chart.kind == "line",
        "markerSize": 5,
        **_axis(dataset.measures[chart.measures[0]]),
    }
    if shared:
        made |= {"y_axis_format": ".0%"}
    if bounds := chart.options.get("bounds"):
        made |= {"y_axis_bounds": bounds, "truncateYAxis": True}
    if chart.options.get("full"):
        made |= {"y_axis_bounds": [0, 1], "truncateYAxis": True, "y_axis_format": ".0%"}
    if chart.options.get("horizontal"):
        made |= {"orientation": "horizontal", "x_axis_sort": dataset.measures[chart.measures[0]].label}
    if temporal:
        made["time_grain_sqla"] = GRAINS[chart.options["every"]]
    return made


def _ranking(chart: Chart, dataset: Dataset) -> dict[str, Any]:
    measure = dataset.measures[chart.measures[0]]
    return {
        "x_axis": dataset.shown(chart.options["x"]),
        "metrics": [dataset.measures[name].label for name in chart.measures],
        "groupby": [],
        "orientation": "horizontal",
        "x_axis_sort": dataset.shown(chart.options["x"]) if chart.options.get("ordered") else measure.label,
        "x_axis_sort_asc": not chart.options.get("ordered"),
        "order_desc": True,
        "row_limit": int(chart.options.get("top", 12)),
        "color_scheme": "rebuttal",
        "show_legend": False,
        "show_value": True,
        "rich_tooltip": True,
        "truncateYAxis": False,
        **_axis(measure),
    }


def _table(chart: Chart, dataset: Dataset) -> dict[str, Any]:
    shared = {
        "table_timestamp_format": "%b %Y" if chart.options.get("dates") == "month" else DATE,
        "show_cell_bars": False,
        "color_pn": False,
        "include_search": bool(chart.options.get("search", False)),
        "page_length": int(chart.options.get("page", 0)),
        "row_limit": int(chart.options.get("limit", 500)),
    }
    if chart.measures:
        rows = chart.options["rows"]
        shown = {dataset.measures[name].label: _column(dataset.measures[name].format) for name in chart.measures}
        return {
            "query_mode": "aggregate",
            "groupby": [dataset.shown(name) for name in ([rows] if isinstance(rows, str) else rows)],
            "metrics": [dataset.measures[name].label for name in chart.measures],
            "timeseries_limit_metric": dataset.measures[chart.measures[0]].label,
            "order_desc": True,
            "column_config": shown,
            **shared,
        }
    order = chart.options.get("order", [])
    return {
        "query_mode": "raw",
        "all_columns": [dataset.shown(name) for name in chart.columns],
        "order_by_cols": [f'["{column}", {str(way == "asc").lower()}]' for column, way in order],
        "column_config": {name: _column(dataset.formats[name]) for name in chart.columns if name in dataset.formats},
        **shared,
    }


def _column(shown: str) -> dict[str, Any]:
    made: dict[str, Any] = {"d3NumberFormat": FORMATS[shown], "horizontalAlign": "right"}
    if shown in MONEY:
        made["currencyFormat"] = {"symbol": base_currency(), "symbolPosition": "prefix"}
    return made


def _pivot(chart: Chart, dataset: Dataset) -> dict[str, Any]:
    measure = dataset.measures[chart.measures[0]]
    axis = _axis(measure)
    heat = (
        [{"colorScheme": "#3566B8", "column": measure.label, "operator": "None"}] if chart.options.get("heat") else []
    )
    temporal = [
        name for name in (chart.options["rows"], chart.options["across"]) if dataset.columns.get(name) == "date"
    ]
    return {
        "groupbyRows": [dataset.shown(chart.options["rows"])],
        "groupbyColumns": [dataset.shown(chart.options["across"])],
        "metrics": [measure.label],
        "metricsLayout": "COLUMNS",
        "aggregateFunction": "Sum",
        "valueFormat": axis["y_axis_format"],
        "currency_format": axis.get("currency_format", {}),
        "date_format": "%b %Y",
        "rowOrder": "key_a_to_z",
        "colOrder": "key_a_to_z",
        "conditional_formatting": heat,
        "temporal_columns_lookup": dict.fromkeys(temporal, True),
        **({"time_grain_sqla": GRAINS["month"]} if temporal else {}),
        "row_limit": 10000,
    }


def _funnel(chart: Chart, dataset: Dataset) -> dict[str, Any]:
    measure = dataset.measures[chart.measures[0]]
    return {
        "groupby": [dataset.shown(chart.options["x"])],
        "metric": measure.label,
        "sort_by_metric": True,
        "percent_calculation_type": "prev_step",
        "label_type": "key_value_percent",
        "tooltip_label_type": 5,
        "number_format": FORMATS[measure.format],
        "show_labels": True,
        "show_tooltip_labels": True,
        "legendOrientation": "top",
        "show_legend": False,
        "color_scheme": "rebuttal",
        "row_limit": 20,
    }


_OF_KIND = {
    "number": _number,
    "trend": _trend,
    "line": _series,
    "bar": _series,
    "ranking": _ranking,
    "table": _table,
    "pivot": _pivot,
    "funnel": _funnel,
}
