"""Every rule about rows has its words, and every entity has a suite."""

from __future__ import annotations

import importlib
import json

import pytest
from landed import NOW, context, land, read, row

from rebuttal import quality
from rebuttal.quality import expectations
from rebuttal.quality.expectations import ExpectNoRowsFrom, ExpectNoRowWhere
from rebuttal.settings import Settings
from rebuttal.warehouse import ENTITIES

VISITS = "yandex_metrica.visits"


@pytest.mark.parametrize("entity", sorted(ENTITIES))
def test_every_rule_says_what_must_hold_how_grave_it_is_and_what_to_do(entity: str) -> None:
    rules = importlib.import_module(f"rebuttal.quality.suites.{entity}").suite(NOW)
    assert len(rules) >= 3
    names = []
    for rule in rules:
        assert isinstance(rule, ExpectNoRowWhere)
        assert rule.meta is not None
        names.append(rule.meta["name"])
        assert rule.meta["severity"] in ("quarantine", "warning"), names[-1]
        assert len(rule.description or "") > 10, names[-1]
        assert len(rule.meta["next_step"]) > 10, names[-1]
        assert rule.condition
    assert len(set(names)) == len(names)
    assert [type(rule).__name__ for rule in rules[:3]] == [
        "ExpectRowDecoded",
        "ExpectValuesReadable",
        "ExpectKeyPresent",
    ]


def test_every_class_says_in_words_what_it_expects() -> None:
    classes = [getattr(expectations, name) for name in expectations.__all__ if name.startswith("Expect")]
    assert len(classes) >= 20
    for kind in classes:
        assert issubclass(kind, ExpectNoRowWhere | ExpectNoRowsFrom)
        assert len(kind.__doc__ or "") > 20, kind
        assert kind.__doc__ != kind.__mro__[1].__doc__, kind


def test_many_pages_in_no_time_are_told_and_admitted(any_settings: Settings) -> None:
    rows = [
        row(VISITS, visit_id="machine", visit_duration="0", page_views="5"),
        row(VISITS, visit_id="bounce", visit_duration="0", page_views="1"),
        row(VISITS, visit_id="reader", visit_duration="1", page_views="5"),
    ]
    land(any_settings, VISITS, rows)
    report = quality.run(context(any_settings))
    assert report.counts["new"] == 3
    found = read(any_settings, "select * from ops.check_result where check_name = 'pages_take_time'")
    assert [(one["failed_count"], json.loads(one["examples"])) for one in found] == [
        (1, ["row 0: 5 pages in 0 seconds"])
    ]
