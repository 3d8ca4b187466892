"""A dashboard's places and settings as Superset stores them: rows of charts and texts, filters, colours."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from bi.declarations import Chart, Dashboard, load_datasets, load_filters
from bi.palette import load_palette

CSS = (Path(__file__).resolve().parent / "dashboard.css").read_text(encoding="utf-8")


def position(board: Dashboard, numbers: dict[str, int], uuids: dict[str, str]) -> dict[str, Any]:
    """position_json. `numbers` and `uuids`: of charts by slug, as Superset's database has them."""
    made: dict[str, Any] = {
        "DASHBOARD_VERSION_KEY": "v2",
        "ROOT_ID": {"id": "ROOT_ID", "type": "ROOT", "children": ["GRID_ID"]},
        "GRID_ID": {"id": "GRID_ID", "type": "GRID", "children": [], "parents": ["ROOT_ID"]},
        "HEADER_ID": {"id": "HEADER_ID", "type": "HEADER", "meta": {"text": board.title}},
    }
    for index, row in enumerate(board.rows):
        row_id = f"ROW-{index}"
        parents = ["ROOT_ID", "GRID_ID"]
        made["GRID_ID"]["children"].append(row_id)
        made[row_id] = {
            "id": row_id,
            "type": "ROW",
            "children": [],
            "parents": parents,
            "meta": {"background": "BACKGROUND_TRANSPARENT"},
        }
        if row.text is not None:
            made[row_id]["children"].append(f"MARKDOWN-{index}")
            made[f"MARKDOWN-{index}"] = {
                "id": f"MARKDOWN-{index}",
                "type": "MARKDOWN",
                "children": [],
                "parents": [*parents, row_id],
                "meta": {"width": 12, "height": row.height, "code": row.text},
            }
        for chart in row.charts:
            made[row_id]["children"].append(f"CHART-{chart.slug}")
            made[f"CHART-{chart.slug}"] = {
                "id": f"CHART-{chart.slug}",
                "type": "CHART",
                "children": [],
                "parents": [*parents, row_id],
                "meta": {
                    "width": chart.width,
                    "height": row.height,
                    "chartId": numbers[chart.slug],
                    "uuid": uuids[chart.slug],
                    "sliceName": chart.title,
                },
            }
    return made


def settings(board: Dashboard, numbers: dict[str, int], datasets: dict[str, int]) -> dict[str, Any]:
    """json_metadata. `datasets`: their numbers by name."""
    return {
        "color_scheme": "rebuttal",
        "label_colors": dict(load_palette().colors),
        "cross_filters_enabled": True,
        "filter_bar_orientation": "HORIZONTAL",
        "refresh_frequency": 0,
        "timed_refresh_immune_slices": [],
        "expanded_slices": {},
        "default_filters": "{}",
        "native_filter_configuration": [_filter(board, name, numbers, datasets) for name in board.filters],
    }


def takes(chart: Chart, name: str) -> bool:
    """Whether the filter `name` can narrow the chart: its dataset has the column."""
    dataset = load_datasets()[chart.dataset]
    column = load_filters()[name].get("column")
    if name in chart.options.get("unfiltered", ()):
        return False
    return dataset.time is not None if column is None else column in {**dataset.columns, **dataset.computed}


def _filter(board: Dashboard, name: str, numbers: dict[str, int], datasets: dict[str, int]) -> dict[str, Any]:
    given = load_filters()[name]
    made: dict[str, Any] = {
        "id": f"NATIVE_FILTER-{board.slug}-{name}",
        "name": given["title"],
        "description": given.get("about", ""),
        "type": "NATIVE_FILTER",
        "scope": {
            "rootPath": ["ROOT_ID"],
            "excluded": sorted(numbers[chart.slug] for chart in board.charts if not takes(chart, name)),
        },
        "chartsInScope": sorted(numbers[chart.slug] for chart in board.charts if takes(chart, name)),
        "tabsInScope": [],
        "cascadeParentIds": [],
        "defaultDataMask": {"extraFormData": {}, "filterState": {}, "ownState": {}},
    }
    if "column" not in given:
        return made | {"filterType": "filter_time", "targets": [{}], "controlValues": {"enableEmptyFilter": False}}
    source = next(chart.dataset for chart in board.charts if takes(chart, name))
    column = load_datasets()[source].shown(given["column"])
    return made | {
        "filterType": "filter_select",
        "targets": [{"datasetId": datasets[source], "column": {"name": column}}],
        "controlValues": {
            "multiSelect": True,
            "enableEmptyFilter": False,
            "defaultToFirstItem": False,
            "inverseSelection": False,
            "searchAllOptions": False,
        },
    }
