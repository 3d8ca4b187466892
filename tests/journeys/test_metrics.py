"""Every metric has one definition: the pages, the dbt docs and the marts say what metrics.yml says."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from sqlalchemy import Table

from bi.declarations import load_datasets, load_marts
from rebuttal.errors import ConfigError
from rebuttal.journeys.ltv import ltv_predicted
from rebuttal.journeys.metrics import as_dbt_docs, as_markdown
from rebuttal.metrics import load_metrics
from rebuttal.objections import tables as objection_tables
from rebuttal.settings import PROJECT_ROOT, Settings
from rebuttal.warehouse import dbt, mart, open_warehouse, quality_mart

METRICS = load_metrics(PROJECT_ROOT / "include" / "config")
# What the loop promises to tell; see the page.
PROMISED = {
    *("reach", "impressions", "ctr", "cpc", "cpa", "landing_conversion", "leads", "mql", "sql", "mql_to_sql", "deals"),
    *("win_rate", "average_order_value", "revenue", "roas", "cac", "ltv_observed", "ltv_predicted", "payback"),
    *("repeat_rate", "repeat_interval", "nps", "sales_velocity"),
}


def test_every_promised_metric_is_defined() -> None:
    assert {metric.id for metric in METRICS} >= PROMISED
    assert {metric.kind for metric in METRICS} == {"leading", "lagging"}


def test_the_pages_are_made_of_the_definitions() -> None:
    page = (PROJECT_ROOT / "docs" / "metrics.md").read_text(encoding="utf-8")
    assert page == as_markdown(METRICS), "run `rebuttal metrics --write`"
    blocks = (dbt.PROJECT / "models" / "metrics.md").read_text(encoding="utf-8")
    assert blocks == as_dbt_docs(METRICS), "run `rebuttal metrics --write`"


def described() -> dict[str, str]:
    """`mart.column` -> description, of all models of marts."""
    found = {}
    for path in sorted((dbt.PROJECT / "models" / "marts").glob("*.yml")):
        for model in yaml.safe_load(path.read_text(encoding="utf-8")).get("models", []):
            for column in model.get("columns", []):
                found[f"{model['name']}.{column['name']}"] = column.get("description", "")
    return found


def written_by_python() -> set[str]:
    """`mart.column` of the marts that stages write, and of the dashboards' own datasets."""
    tables = [found for module in (mart, quality_mart, objection_tables) for found in vars(module).values()]
    found = {f"{t.name}.{c.name}" for t in (*tables, ltv_predicted) if isinstance(t, Table) for c in t.columns}
    own = {name: row for name, row in load_datasets().items() if name not in load_marts()}
    return found | {f"{name}.{column}" for name, row in own.items() for column in row.columns}


def test_the_marts_describe_their_columns_by_the_definition() -> None:
    said = described()
    checked = 0
    for metric in METRICS:
        for column in metric.columns:
            if column not in written_by_python():
                assert said.get(column) == f"{{{{ doc('metric_{metric.id}') }}}}", column
                checked += 1
    assert checked > 30
    named = {column for metric in METRICS for column in metric.columns}
    assert {column for column, words in said.items() if "doc('metric_" in words} <= named


def test_the_columns_exist(settings: Settings) -> None:
    with open_warehouse(settings):
        pass
    dbt.build(settings, {"running_week_start": "2026-01-19"})
    with open_warehouse(settings) as engine, engine.connect() as connection:
        rows = connection.exec_driver_sql(
            "SELECT table_name || '.' || column_name FROM information_schema.columns WHERE table_schema = 'marts_build'"
        )
        built = {str(row[0]) for row in rows}
    missing = {column for metric in METRICS for column in metric.columns} - built - written_by_python()
    assert not missing


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (("kind: leading", "kind: leeding"), "kind"),
        (("columns: [kpi_weekly.visits, ", "columns: [visits, "), "not mart.column"),
        (("id: impressions", "id: reach"), "id 'reach' stands twice"),
        (("[kpi_weekly.ctr]", "[kpi_weekly.visits]"), "column 'kpi_weekly.visits' stands twice"),
        (("    formula: count of visits", "    formla: count of visits"), "formla|formula"),
    ],
)
def test_a_mistake_is_named(tmp_path: Path, change: tuple[str, str], said: str) -> None:
    content = (PROJECT_ROOT / "include" / "config" / "metrics.yml").read_text(encoding="utf-8")
    assert change[0] in content
    (tmp_path / "metrics.yml").write_text(content.replace(*change, 1), encoding="utf-8")
    with pytest.raises(ConfigError, match=said):
        load_metrics(tmp_path)
