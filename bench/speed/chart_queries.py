"""A declared chart as the SQL that Superset makes of it: the dataset's query inside, columns and measures around it."""

from __future__ import annotations

from bi.declarations import Chart, Dataset, load_datasets


def query_of(chart: Chart) -> str:
    """The chart's one query, on the engine's own date_trunc; filters of the page are not set."""
    dataset = load_datasets()[chart.dataset]
    source = f"({dataset.sql}) AS source" if dataset.sql else f'"{dataset.mart}"'
    where = f" WHERE ({chart.options['where']})" if "where" in chart.options else ""
    limit = int(chart.options.get("top") or chart.options.get("limit") or 10_000)
    measures = [f'{dataset.measures[name].sql} AS "{dataset.measures[name].label}"' for name in chart.measures]
    if not measures:
        order = ", ".join(f'"{column}" {way}' for column, way in chart.options.get("order", []))
        listed = ", ".join(_column(dataset, name) for name in chart.columns)
        return f"SELECT {listed} FROM {source}{where}{f' ORDER BY {order}' if order else ''} LIMIT {limit}"
    grouped = _grouped(chart, dataset)
    listed = ", ".join([*(f"{sql} AS g{number}" for number, sql in enumerate(grouped)), *measures])
    by = f" GROUP BY {', '.join(grouped)}" if grouped else ""
    first = f' ORDER BY "{dataset.measures[chart.measures[0]].label}" DESC' if grouped else ""
    return f"SELECT {listed} FROM {source}{where}{by}{first} LIMIT {limit}"


def _grouped(chart: Chart, dataset: Dataset) -> list[str]:
    if chart.kind == "trend":
        return [_truncated(chart, dataset.time or "")]
    rows = chart.options.get("rows", [])
    names = [chart.options.get("x"), chart.options.get("by"), chart.options.get("across")]
    names += [rows] if isinstance(rows, str) else rows
    found = []
    for name in names:
        if name is not None:
            is_time = name == chart.options.get("x") and "every" in chart.options
            found.append(_truncated(chart, name) if is_time else dataset.computed.get(name, f'"{name}"'))
    return found


def _truncated(chart: Chart, column: str) -> str:
    return f"date_trunc('{chart.options['every']}', \"{column}\")"


def _column(dataset: Dataset, name: str) -> str:
    return f'{dataset.computed[name]} AS "{name}"' if name in dataset.computed else f'"{name}"'
