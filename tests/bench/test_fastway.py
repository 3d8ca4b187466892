"""What the benchmark of the fast way makes of its observations; the rest of it is a real Airflow, run by hand."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest
from bench.speed.fastway import OPENED, free_ports, opened_config, set_free, told
from bench.speed.timing import Unmeasured

from rebuttal.content.rules import load_rules
from rebuttal.settings import PROJECT_ROOT


def test_medians_and_percentiles_by_hop() -> None:
    found = [{"webhook_to_task": float(n), "work": 1.0} for n in range(1, 21)] + [{"webhook_to_task": 100.0}]
    figures = told(found, 25, 50)
    assert [figures[f"fastway_{name}"] for name in ("asked", "deals", "tasks")] == [50, 25, 21]
    assert figures["fastway_webhook_to_task_p50_s"] == 11
    assert 20 <= figures["fastway_webhook_to_task_p95_s"] <= 100
    assert figures["fastway_work_p95_s"] == 1
    with pytest.raises(Unmeasured, match="1 of 25"):
        told(found[:1], 25, 50)


def test_only_the_bounds_are_opened(tmp_path: Path) -> None:
    ours = load_rules(PROJECT_ROOT / "include" / "config")
    opened = load_rules(opened_config(tmp_path / "config"))
    assert {name: getattr(opened.choose, name) for name in OPENED} == OPENED
    assert opened.model_copy(update={"choose": ours.choose}) == ours


def test_themes_are_set_free(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "state.sqlite") as state:
        state.execute("create table content_task (task_id text, status text)")
        state.execute("insert into content_task values ('1', 'open'), ('2', 'expired')")
    set_free(tmp_path)
    with sqlite3.connect(tmp_path / "state.sqlite") as state:
        assert state.execute("select distinct status from content_task").fetchall() == [("expired",)]


def test_ports_differ() -> None:
    assert len(set(free_ports(7))) == 7
