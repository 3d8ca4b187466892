"""What include/bi declares, read and checked: marts, datasets with their measures, dashboards with their charts.

Wrong words are errors that name the file and the nearest right word. Nothing here knows Superset.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from bi.palette import load_palette
from bi.places import config

HERE = Path(__file__).resolve().parent
FORMATS = {
    "count": ",d",
    "money": ",.0f",
    "price": ",.2f",
    "share": ".1%",
    "ratio": ",.2f",
    "days": ",.1f",
    "points": "+,.0f",
    "plain": ",.2~f",  # several units in one column
    "change": "+,.0%",
}
KINDS = ("number", "trend", "line", "bar", "ranking", "table", "pivot", "funnel")


class DeclarationError(Exception):
    """A file of include/bi or metrics.yml does not fit; the message names file, place and what would fit."""


@dataclass(frozen=True)
class Measure:
    """A number over a dataset's rows. `metric` is its id in metrics.yml, from where name and definition come."""

    name: str
    metric: str
    label: str
    definition: str
    sql: str
    format: str


@dataclass(frozen=True)
class Dataset:
    """A mart as it is, or a query over marts; `time` is the column that the period filters."""

    name: str
    about: str
    mart: str | None
    sql: str | None
    time: str | None
    columns: dict[str, str]
    labels: dict[str, str]
    computed: dict[str, str]
    measures: dict[str, Measure]
    formats: dict[str, str]
    is_for_partners: bool

    def shown(self, name: str) -> str:
        """A column's name in Superset; one that we compute goes by its label, which pivots and legends show."""
        return self.labels.get(name, name) if name in self.computed else name


@dataclass(frozen=True)
class Chart:
    """One chart; `options` are those of its kind (charts.py)."""

    slug: str
    title: str
    kind: str
    dataset: str
    width: int
    options: dict[str, Any] = field(hash=False)

    @property
    def measures(self) -> tuple[str, ...]:
        """Names of the measures that it shows."""
        return tuple(self.options.get("measures", ()))

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of the columns that it shows or splits by."""
        single = (self.options.get(key) for key in ("x", "by", "rows", "across"))
        found: list[str] = [name for name in single if isinstance(name, str)]
        found += self.options.get("columns", [])
        return tuple(dict.fromkeys(found))


@dataclass(frozen=True)
class Row:
    """Charts side by side, or text over the whole width. Heights are in units of 8 pixels."""

    height: int
    charts: tuple[Chart, ...]
    text: str | None


@dataclass(frozen=True)
class Dashboard:
    """A page. `filters` are names of filters.yml."""

    slug: str
    title: str
    about: str
    filters: tuple[str, ...]
    rows: tuple[Row, ...]
    is_for_partners: bool

    @property
    def charts(self) -> tuple[Chart, ...]:
        """All charts in reading order."""
        return tuple(chart for row in self.rows for chart in row.charts)


@cache
def load_marts() -> dict[str, dict[str, str]]:
    """marts.yml: the columns of each mart that BI reads, with their kinds."""
    return {name: dict(columns) for name, columns in _read(HERE / "marts.yml").items()}


@cache
def load_metrics() -> dict[str, dict[str, Any]]:
    """metrics.yml by id."""
    return {row["id"]: row for row in _read(config() / "metrics.yml")["metrics"]}


@cache
def load_filters() -> dict[str, dict[str, Any]]:
    """filters.yml: name -> title and, but for the period, the column it chooses values of."""
    return dict(_read(HERE / "filters.yml"))


@cache
def load_datasets() -> dict[str, Dataset]:
    """Every dataset of datasets/*.yml by name."""
    found: dict[str, Dataset] = {}
    for path in sorted((HERE / "datasets").glob("*.yml")):
        for name, given in _read(path).items():
            if name in found:
                raise DeclarationError(f"{path.name}: dataset {name} stands twice")
            found[name] = _dataset(path, name, given)
    return found


@cache
def load_dashboards() -> tuple[Dashboard, ...]:
    """Every dashboard of dashboards/*.yml, in the order of their files."""
    boards = tuple(_dashboard(path) for path in sorted((HERE / "dashboards").glob("*.yml")))
    slugs = [chart.slug for board in boards for chart in board.charts]
    if twice := sorted({slug for slug in slugs if slugs.count(slug) > 1}):
        raise DeclarationError(f"Charts stand twice: {', '.join(twice)}")
    return boards


def _dataset(path: Path, name: str, given: Mapping[str, Any]) -> Dataset:
    where = f"{path.name}: {name}"
    _known(where, given, ("about", "mart", "query", "time", "columns", "labels", "names", "measures", "formats", "for"))
    mart, query = given.get("mart"), given.get("query")
    if (mart is None) == (query is None):
        raise DeclarationError(f"{where}: give either mart or query")
    if mart is not None:
        _one_of(where, mart, load_marts())
    columns = dict(given["columns"] if mart is None else load_marts()[mart])
    palette = load_palette()
    computed = {f"{column}_name": palette.case(kind, column) for column, kind in given.get("names", {}).items()}
    measures = {key: _measure(f"{where}.{key}", key, value) for key, value in given.get("measures", {}).items()}
    labels = [measure.label for measure in measures.values()]
    if twice := {label for label in labels if labels.count(label) > 1 or label in columns}:
        raise DeclarationError(f"{where}: {', '.join(sorted(twice))} names two things; give one of them a label")
    return Dataset(
        name=name,
        about=given["about"],
        mart=mart,
        sql=(HERE / "sql" / f"{query}.sql").read_text(encoding="utf-8").strip() if query else None,
        time=given.get("time"),
        columns=columns,
        labels=dict(given.get("labels", {})),
        computed=computed,
        measures=measures,
        formats=dict(given.get("formats", {})),
        is_for_partners=given.get("for") == "partners",
    )


def _measure(where: str, name: str, given: Mapping[str, Any]) -> Measure:
    _known(where, given, ("metric", "sum", "of", "sql", "format", "label"))
    metrics = load_metrics()
    _one_of(where, given["metric"], metrics)
    metric = metrics[given["metric"]]
    shown = given.get("format", "count")
    _one_of(where, shown, FORMATS)
    if "sum" in given:
        sql = whole(given["sum"])
        if "of" in given:
            sql = f"{sql} * 1.0 / NULLIF({whole(given['of'])}, 0)"
    else:
        sql = given["sql"]
    definition = f"{metric['definition']} ({metric['formula']})"
    return Measure(name, metric["id"], given.get("label", metric["name"]["en"]), definition, sql, shown)


def whole(column: str) -> str:
    """A sum that is unknown as soon as one of its parts is: a missing rate must not look like less money."""
    return f"CASE WHEN COUNT(*) = COUNT({column}) THEN SUM({column}) END"


def _dashboard(path: Path) -> Dashboard:
    given = _read(path)
    _known(path.name, given, ("title", "slug", "about", "filters", "rows", "for"))
    for name in given.get("filters", ()):
        _one_of(path.name, name, load_filters())
    rows = tuple(_row(path, given["slug"], row) for row in given["rows"])
    partners = given.get("for") == "partners"
    board = Dashboard(given["slug"], given["title"], given["about"], tuple(given.get("filters", ())), rows, partners)
    for chart in board.charts:
        if partners and not load_datasets()[chart.dataset].is_for_partners:
            raise DeclarationError(f"{path.name}: {chart.slug}: partners see datasets for partners only")
    return board


def _row(path: Path, board: str, given: Mapping[str, Any]) -> Row:
    _known(path.name, given, ("height", "charts", "text"))
    charts = tuple(_chart(path, board, chart) for chart in given.get("charts", ()))
    if charts and sum(chart.width for chart in charts) > 12:
        raise DeclarationError(f"{path.name}: the row of {charts[0].slug} is wider than 12 columns")
    return Row(int(given["height"]), charts, given.get("text"))


def _chart(path: Path, board: str, given: Mapping[str, Any]) -> Chart:
    slug = f"{board}-{given['id']}"
    where = f"{path.name}: {slug}"
    options = {key: value for key, value in given.items() if key not in ("id", "title", "kind", "dataset", "width")}
    _one_of(where, given["kind"], KINDS)
    _one_of(where, given["dataset"], load_datasets())
    chart = Chart(slug, given["title"], given["kind"], given["dataset"], int(given["width"]), options)
    dataset = load_datasets()[chart.dataset]
    for name in chart.measures:
        _one_of(where, name, dataset.measures)
    for name in chart.columns:
        _one_of(where, name, [*dataset.columns, *dataset.computed])
    return chart


def _read(path: Path) -> Any:
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def _known(where: str, given: Mapping[str, Any], words: Iterable[str]) -> None:
    for key in given:
        _one_of(where, key, list(words))


def _one_of(where: str, word: str, words: Iterable[str]) -> None:
    known = list(words)
    if word not in known:
        close = difflib.get_close_matches(str(word), known, n=1)
        hint = f"did you mean {close[0]!r}?" if close else f"known are {', '.join(known)}"
        raise DeclarationError(f"{where}: {word!r} is unknown; {hint}")
