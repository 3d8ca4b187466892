"""plan.yml as people write it: what is wrong is told by file, key and nearest valid word, and nothing is written."""

from __future__ import annotations

import shutil
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import yaml
from sqlalchemy import text

from rebuttal.clock import Clock
from rebuttal.context import Context
from rebuttal.errors import ConfigError
from rebuttal.metrics import load_metrics
from rebuttal.planning import run
from rebuttal.planning.plan import MEASURED, Plan, load_plan
from rebuttal.settings import PROJECT_ROOT, Settings
from rebuttal.warehouse import open_warehouse

CONFIG = PROJECT_ROOT / "include" / "config"


@pytest.fixture
def config(tmp_path: Path) -> Path:
    folder = tmp_path / "config"
    folder.mkdir()
    for name in ("plan.yml", "journey.yml", "channels.yml"):
        shutil.copyfile(CONFIG / name, folder / name)
    return folder


def change(config: Path, part: str, **values: Any) -> None:
    """Set keys of the first line of `part`, or of the plan itself."""
    path = config / "plan.yml"
    data = yaml.safe_load(path.read_text(encoding="utf-8"))
    (data[part][0] if part else data).update(values)
    path.write_text(yaml.safe_dump(data, allow_unicode=True), encoding="utf-8")


def context(settings: Settings) -> Context:
    return Context(settings, Clock.until(date(2026, 11, 15)), lambda _: None, b"0123456789abcdef")  # type: ignore[arg-type,return-value]


@pytest.mark.parametrize(
    ("part", "values", "words"),
    [
        ("budgets", {"channel": "search_brnad"}, r"plan\.yml: budgets\.0\.channel: 'search_brnad'.*'search_brand'"),
        ("budgets", {"monthly": -1}, r"budgets\.0\.monthly"),
        ("budgets", {"last_month": "2025-01"}, r"budgets\.0: .*within 60 months"),
        ("budgets", {"first_month": "2026-13"}, r"budgets\.0\.first_month"),
        ("budgets", {"hypotesis": "a"}, r"hypotesis is not a known key.*hypothesis"),
        ("budgets", {"id": "video"}, r"'video' stands twice"),
        ("goals", {"metric": "order"}, r"goals\.0\.metric: 'order'.*'orders'"),
        ("goals", {"metric": "cac"}, r"'cac' is not a metric that a goal can be set for"),
        ("goals", {"last_date": "2026-09-30"}, r"goals\.0: .*last_date"),
        ("goals", {"owner": "olena@example.com"}, r"goals\.0\.owner"),
        ("", {"currency": "USD"}, r"in USD, but figures are in EUR"),
        ("", {"pacing": "monthly"}, r"pacing"),
    ],
)
def test_what_is_wrong_is_named_and_nothing_is_written(
    config: Path, settings: Settings, part: str, values: dict[str, Any], words: str
) -> None:
    settings = replace(settings, config=config)
    run(context(settings))
    before = stored(settings)
    assert all(before.values())
    change(config, part, **values)
    with pytest.raises(ConfigError, match=words) as told:
        run(context(settings))
    assert "@" not in str(told.value)
    assert stored(settings) == before


def stored(settings: Settings) -> dict[str, list[tuple[Any, ...]]]:
    with open_warehouse(settings) as engine, engine.connect() as connection:
        return {
            name: sorted(map(tuple, connection.execute(text(f"SELECT * FROM ops.{name}"))), key=str)
            for name in ("plan_rule", "plan_budget", "plan_goal")
        }


def test_a_second_run_changes_nothing_and_a_plan_taken_away_is_gone(any_settings: Settings, config: Path) -> None:
    settings = replace(any_settings, config=config)
    first = run(context(settings))
    plan = load_plan(config)
    assert isinstance(plan, Plan)
    before = stored(settings)
    assert first.changed
    assert len(before["plan_goal"]) == len(plan.goals) > 3
    assert len(before["plan_budget"]) == sum(len(list(line.months)) for line in plan.budgets)
    assert first.counts == {"plan_lines": len(before["plan_goal"]) + len(before["plan_budget"])}
    again = run(context(settings))
    assert (again.changed, stored(settings)) == (False, before)
    (config / "plan.yml").unlink()
    gone = run(context(settings))
    assert (gone.changed, gone.counts) == (True, {"plan_lines": 0})
    assert not any(stored(settings).values())


def test_months_go_over_the_turn_of_a_year() -> None:
    plan = load_plan(CONFIG)
    assert plan is not None
    (line,) = [line for line in plan.budgets if line.id == "display-trial"]
    months = list(line.months)
    assert (months[0], months[5], months[6], months[-1]) == (
        date(2026, 7, 1), date(2026, 12, 1), date(2027, 1, 1), date(2027, 6, 1)
    )  # fmt: skip
    assert len(months) == 12


def test_every_metric_of_a_goal_is_in_the_dictionary() -> None:
    assert set(MEASURED) <= {metric.id for metric in load_metrics(CONFIG)}
