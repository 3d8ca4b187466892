"""What dbt compiled, as a refresh takes it: in an order that can be made, and nothing that it does not know."""

from __future__ import annotations

from typing import Any

import pytest

from rebuttal.errors import ConfigError
from rebuttal.warehouse.compiled import models_of, read_before_and_after

Nodes = dict[str, Any]


def model(name: str, *needs: str, **config: Any) -> Nodes:
    told = {"materialized": "table", "tags": [], "pre-hook": [], "post-hook": []} | config
    return {
        f"model.{name}": {
            **{"resource_type": "model", "name": name, "alias": name, "database": "db", "config": told},
            "depends_on": {"nodes": [f"model.{need}" for need in needs]},
            "compiled_code": f'select 1 from "db"."core"."{name}"',
        }
    }


def check(name: str, *needs: str, **config: Any) -> Nodes:
    told = {"severity": "ERROR", "error_if": "!= 0", "fail_calc": "count(*)", "limit": None} | config
    return {
        f"test.{name}": {
            **{"resource_type": "test", "name": name, "database": "db", "config": told, "column_name": "key"},
            "depends_on": {"nodes": [f"model.{need}" for need in needs]},
            "compiled_code": "select 1 where 1 = 0",
        }
    }


def test_models_come_after_what_they_need_and_tagged_ones_last() -> None:
    nodes = model("a", "tagged") | model("b", "c") | model("c") | model("d") | model("tagged", "d", tags=["late"])
    found = models_of(nodes, "late")
    names = [one.name for one in found]
    assert sorted(names) == ["a", "b", "c", "d", "tagged"]
    assert names.index("c") < names.index("b")
    assert names[-2:] == ["tagged", "a"]
    assert [one.name for one in found if one.is_tagged] == ["tagged", "a"]


def test_a_test_of_two_models_waits_for_the_later_one() -> None:
    nodes = model("early") | model("later", "early") | check("both", "later", "early") | check("one", "early")
    assert {one.name: [each.name for each in one.checks] for one in models_of(nodes, "")} == {
        "early": ["one"],
        "later": ["both"],
    }


def test_the_name_of_the_database_does_not_matter() -> None:
    (found,) = models_of(model("m"), "")
    assert found.statement == 'select 1 from "core"."m"'


BY_PERSON = {"materialized": "incremental", "pre-hook": [{"sql": "{{ forget_changed('person_id') }}"}]}
STAGED = {"materialized": "incremental", "pre-hook": [{"sql": "{{ forget_all() }}"}]}


def test_marked_rows_are_read_where_the_same_go_made_them() -> None:
    """Not where another go did, not of a model made whole, and never by a view, which would outlive them."""
    marked = " cross join ".join(f'"db"."marts_build"."{name}" /* made */' for name in ("early", "whole"))
    nodes = model("early", **BY_PERSON) | model("whole")
    for name, config in {"reader": {}, "shown": {"materialized": "view"}, "late": {"tags": ["late"]}}.items():
        nodes |= model(name, "early", "whole", **config)
        nodes[f"model.{name}"]["compiled_code"] = f"select 1 from {marked}"
    nodes |= check("tested", "early")
    nodes["test.tested"]["compiled_code"] = f"select 1 from {marked}"
    found = {one.name: one for one in models_of(nodes, "late")}
    as_it_is = marked.replace('"db".', "")
    here = as_it_is.replace('"marts_build"."early" /* made */', "made_early")
    assert found["reader"].statement == found["early"].checks[0].statement == f"select 1 from {here}"
    assert found["shown"].statement == found["late"].statement == f"select 1 from {as_it_is}"
    assert (found["early"].unit, found["whole"].unit) == ("person_id", "")


def test_what_is_kept_nowhere_is_read_where_it_was_made() -> None:
    nodes = model("staged", **STAGED) | model("reader", "staged") | check("tested", "staged")
    for name in ("model.reader", "test.tested"):
        nodes[name]["compiled_code"] = 'select 1 from "db"."marts_build"."staged"'
    found = {one.name: one for one in models_of(nodes, "late")}
    assert found["staged"].unit == "*"
    assert found["reader"].statement == found["staged"].checks[0].statement == "select 1 from made_staged"
    for config in ({"materialized": "view"}, {"tags": ["late"]}):
        with pytest.raises(ConfigError, match="model odd reads staged, which is gone by then"):
            models_of(nodes | model("odd", "staged", **config), "late")


def test_rows_that_were_just_made_are_not_asked_whether_they_were() -> None:
    nodes = model("early", **BY_PERSON) | model("late", "early", tags=["late"])
    asked = 'from "db"."marts_build"."early" /* made */ where /* if not made */ x in (select 1) /* then */ and y = 1'
    for name, needs in {"soon": ("early",), "later": ("early", "late")}.items():
        nodes |= check(name, *needs)
        nodes[f"test.{name}"]["compiled_code"] = asked
    found = {one.name: one.checks[0].statement for one in models_of(nodes, "late")}
    assert found["early"] == "from made_early where true and y = 1"
    assert found["late"] == asked.replace('"db".', ""), "another go made them: they are looked for"


@pytest.mark.parametrize(
    "config",
    [
        {"materialized": "ephemeral"},
        {"materialized": "incremental", "incremental_strategy": "merge"},
        {"post-hook": [{"sql": "grant"}]},
        {"pre-hook": [{"sql": "anything"}]},
    ],
)
def test_a_model_that_only_dbt_can_build_is_refused(config: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match="model odd is materialised in a way"):
        models_of(model("odd", **config), "")


@pytest.mark.parametrize("config", [{"severity": "warn"}, {"error_if": "> 10"}, {"limit": 5}])
def test_a_test_that_fails_in_its_own_way_is_refused(config: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match="test odd has severity"):
        models_of(model("m") | check("odd", "m", **config), "")


def test_a_view_is_read_over_the_rows_that_stood_and_over_those_that_were_made() -> None:
    view = model("seen", "touch", materialized="view")
    view["model.seen"]["compiled_code"] = 'select n from "db"."marts_build"."touch" join "db"."marts_build"."touchable"'
    found = models_of(view | model("touch"), "late")
    rest = 'join "marts_build"."touchable"'
    assert read_before_and_after(found, "seen", "touch") == tuple(
        f"select n from {table} {rest}" for table in ("stood_touch", "made_touch")
    )
    with pytest.raises(ConfigError, match="seen does not read deal"):
        read_before_and_after(found, "seen", "deal")
