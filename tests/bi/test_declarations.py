"""What include/bi declares fits: columns, measures, definitions, names and colours."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest
import yaml

from bi import declarations, marts_connection, palette
from bi.charts import definition, form_data
from bi.declarations import DeclarationError, load_dashboards, load_datasets, load_marts

CONFIG = Path(__file__).resolve().parents[2] / "include" / "config"
CHARTS = [chart for board in load_dashboards() for chart in board.charts]


def test_the_dashboards_are_there() -> None:
    assert [board.title for board in load_dashboards()] == [
        *("Today", "Week", "Funnel and journey", "Channels and roles", "Objections and content", "Unit economics"),
        *("Plan and budget", "Data quality", "Decision journal", "Partner"),
    ]
    assert len(CHARTS) > 40


def every_query() -> list[str]:
    """SQL that asks each dataset for all its columns, and for every measure with every chart's condition."""
    queries = []
    for name, dataset in load_datasets().items():
        source = f"({dataset.sql}) AS source" if dataset.sql else f'"{dataset.mart}"'
        columns = [*(f'"{column}"' for column in dataset.columns), *dataset.computed.values()]
        queries.append(f"SELECT {', '.join(columns)} FROM {source}")
        for chart in CHARTS:
            if chart.dataset == name:
                where = f"WHERE {chart.options['where']}" if "where" in chart.options else ""
                measures = [dataset.measures[measure].sql for measure in chart.measures] or ["COUNT(*)"]
                queries.append(f"SELECT {', '.join(measures)} FROM {source} {where}")
    return queries


def test_every_query_runs_on_marts_that_hold_nothing_and_on_some_rows(sample: Path) -> None:
    queries = every_query()
    assert len(queries) > 60
    for path in (":memory:", str(sample)):
        with duckdb.connect(path, read_only=path != ":memory:") as connection:
            known = {name for (name,) in connection.execute(marts_connection._KNOWN).fetchall()}
            for statement in marts_connection._empty(load_marts(), known):
                connection.execute(statement)
            if known:
                connection.execute("SET search_path = 'marts,ops'")
            for query in queries:
                connection.execute(query).fetchall()


def test_every_query_runs_on_postgres(postgres_url: Callable[[], str]) -> None:
    import psycopg

    with psycopg.connect(postgres_url().replace("+psycopg", "")) as connection:
        for statement in marts_connection._empty(load_marts(), set()):
            connection.execute(statement.encode())
        for query in every_query():
            connection.execute(query.encode()).fetchall()


@pytest.mark.parametrize("chart", CHARTS, ids=lambda chart: chart.slug)
def test_every_chart_says_what_it_shows(chart: declarations.Chart) -> None:
    known = {
        f"{row['definition']} ({row['formula']})"
        for row in yaml.safe_load((CONFIG / "metrics.yml").read_text())["metrics"]
    }
    dataset = load_datasets()[chart.dataset]
    said = definition(chart)
    assert len(said) > 15
    for name in chart.measures:
        assert dataset.measures[name].definition in known
        assert dataset.measures[name].definition in said
    assert form_data(chart)["viz_type"]


def test_a_measure_without_definition_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = tmp_path / "config"
    shutil.copytree(CONFIG, config)
    metrics = (config / "metrics.yml").read_text(encoding="utf-8")
    (config / "metrics.yml").write_text(metrics.replace("- id: money_at_risk", "- id: money_at_rest"), encoding="utf-8")
    monkeypatch.setenv("REBUTTAL_CONFIG", str(config))
    caches = (declarations.load_metrics, declarations.load_datasets, declarations.load_dashboards)
    for cached in caches:
        cached.cache_clear()
    try:
        with pytest.raises(
            DeclarationError,
            match=r"objections\.yml: objection\.money_at_risk: 'money_at_risk' is unknown.*money_at_rest",
        ):
            load_datasets()
    finally:
        monkeypatch.undo()
        for cached in caches:
            cached.cache_clear()


def test_channels_and_categories_have_one_name_and_one_colour() -> None:
    channels = yaml.safe_load((CONFIG / "channels.yml").read_text(encoding="utf-8"))["channels"]
    categories = [
        row["code"] for row in yaml.safe_load((CONFIG / "taxonomy.yml").read_text(encoding="utf-8"))["categories"]
    ]
    known = palette.load_palette()
    assert set(channels) <= set(known.names["channel"])
    assert {known.names["channel"][code] for code in channels} <= set(known.colors)
    assert {known.names["category"][code] for code in categories} <= set(known.colors)
    shown = list(known.names["channel"].values())
    assert len(shown) == len(set(shown)) > 10
    colors = [known.colors[name] for name in shown]
    assert len(colors) == len(set(colors))


def test_partners_are_shown_nothing_but_what_is_theirs() -> None:
    boards = [board for board in load_dashboards() if board.is_for_partners]
    assert [board.slug for board in boards] == ["partner"]
    about_somebody = [row for row in load_datasets().values() if row.is_for_partners and "partner" in row.columns]
    assert len(about_somebody) >= 2
    silent = [row for row in load_datasets().values() if row.is_for_partners and "partner" not in row.columns]
    assert [row.name for row in silent] == ["partner_until"]  # one row of dates, of nobody
