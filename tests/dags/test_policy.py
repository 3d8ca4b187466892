"""What holds for every DAG: who owns it, how it is retried, what it may take, and that its docstring is a runbook."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
from airflow.timetables.trigger import CronTriggerTimetable

ROOT = Path(__file__).resolve().parents[2]
EXPECTED = {
    "pull__google_ads", "pull__yandex_direct", "pull__yandex_metrica", "pull__ga4", "pull__hubspot", "pull__typeform",
    "pull__yclients", "admit", "model", "listen", "answer", "prove", "tell", "tell_alerts", "upkeep", "data_docs",
    "inbox", "tell_reviews", "review_tags", "review_objections", "evaluate_classifier", "review_tasks",
}  # fmt: skip


def test_the_pipeline_has_exactly_these_dags(dags):
    assert set(dags) == EXPECTED


@pytest.mark.parametrize("dag_id", sorted(EXPECTED))
def test_policy(dags, dag_id):
    dag = dags[dag_id]
    assert dag.max_active_runs == 1
    assert dag.catchup is False
    assert "rebuttal" in dag.tags
    assert len(dag.tags) >= 2
    assert dag.description
    for word in ("**Starts**", "**Writes**", "**When it fails**", "**Rerun**"):
        assert word in dag.doc_md, f"the runbook of {dag_id} lacks {word}"
    assert len(dag.tasks) >= 1
    for task in dag.tasks:
        assert task.owner != "airflow"
        assert task.retries >= 1
        assert task.execution_timeout is not None
        assert task.pool == ("default_pool" if dag_id.startswith("pull__") else "warehouse")
        assert task.on_failure_callback


def test_earlier_stages_go_first(dags):
    order = ["pull__hubspot", "admit", "model", "listen", "answer", "prove", "tell", "upkeep"]
    weights = [dags[name].tasks[0].priority_weight for name in order]
    assert weights == sorted(weights, reverse=True)
    assert len(set(weights)) == len(order)


def test_dags_are_joined_only_through_assets(dags):
    produced = {outlet.name for dag in dags.values() for task in dag.tasks for outlet in task.outlets}
    assert produced == {f"landing/{name.removeprefix('pull__')}" for name in EXPECTED if name.startswith("pull__")} | {
        "core", "marts", "objections", "content_tasks", "effects",
    }  # fmt: skip


@pytest.mark.parametrize("path", sorted((ROOT / "dags").glob("*.py")), ids=lambda path: path.name)
def test_nothing_works_at_parse_time(path):
    """DAG files import Airflow and our light plugin only; a stage's libraries are imported inside the task."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    top = [node for node in tree.body if isinstance(node, ast.Import | ast.ImportFrom)]
    modules = {node.module if isinstance(node, ast.ImportFrom) else node.names[0].name for node in top}
    allowed = ("airflow", "rebuttal_airflow", "datetime", "__future__")
    assert len(modules) >= 2
    assert [module for module in modules if not module.startswith(allowed)] == []
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 100


def test_no_time_that_has_passed_is_made_up_for(dags):
    """On a new installation nothing goes out before the first pull: see rebuttal_airflow.schedule."""
    timetables = [getattr(dag.timetable, "timetable", dag.timetable) for dag in dags.values()]
    scheduled = [one.serialize() for one in timetables if isinstance(one, CronTriggerTimetable)]
    assert len(scheduled) >= 10
    assert {one["run_immediately"] for one in scheduled} == {0.0}
    assert {one["timezone"] for one in scheduled} == {"UTC"}
