"""What a version of the classifier is worth: figures by hand, stored once, shown beside the others."""

from __future__ import annotations

import json

import numpy as np
import pytest
from tests.objections.conftest import Core, rows

from rebuttal.clock import Clock
from rebuttal.connections import from_environment
from rebuttal.context import Context
from rebuttal.objections import run
from rebuttal.objections.model import Model
from rebuttal.objections.model_evaluation import evaluate, figures
from rebuttal.objections.taxonomy import LABELS
from rebuttal.objections.training import Example
from rebuttal.settings import Settings
from rebuttal.state import ModelEvaluation, open_state
from rebuttal.warehouse.reports import report


def row(label: str, share: float) -> list[float]:
    rest = (1 - share) / (len(LABELS) - 1)
    return [share if one == label else rest for one in LABELS]


def example(number: int, primary: str, language: str = "ru") -> Example:
    return Example(str(number), language, "", f"t{number}", (primary,), primary, f"s{number // 2}")


# price, price, none, none; the classifier is right, wrong (sure), right, right (unsure).
EXAMPLES = [example(0, "price"), example(1, "price", "uk"), example(2, "none"), example(3, "none", "uk")]
ROWS = np.array([row("price", 0.9), row("none", 0.8), row("none", 0.7), row("none", 0.2)])


def test_figures_of_four_texts_are_those_of_paper_and_pencil() -> None:
    found = figures(EXAMPLES, ROWS)
    # price: TP 1, FP 0, FN 1 -> 2/3; none: TP 2, FP 1, FN 0 -> 4/5
    assert found["f1_by_label"] == {"price": 0.6667, "none": 0.8}
    assert found["macro_f1"] == pytest.approx((2 / 3 + 4 / 5) / 2, abs=1e-4)
    assert found["macro_f1_by_language"] == {"ru": 1.0, "uk": pytest.approx(1 / 3, abs=1e-4)}
    assert (found["accuracy"], found["accuracy_at_half_coverage"]) == (0.75, 0.5)
    assert (found["none_precision"], found["none_recall"]) == (pytest.approx(2 / 3, abs=1e-4), 1.0)
    assert (found["unclear_share"], found["accuracy_of_clear"]) == (0.25, pytest.approx(2 / 3, abs=1e-4))
    assert (found["text_count"], found["situation_count"]) == (4, 2)
    assert [0.8, 0.5, 0.5] in found["risk_coverage"]


def test_a_text_that_weighs_three_times_is_counted_once() -> None:
    heavy = figures([*EXAMPLES, EXAMPLES[0], EXAMPLES[0]], np.vstack([ROWS, ROWS[:1], ROWS[:1]]))
    assert heavy["text_count"] == 4
    assert heavy == figures(EXAMPLES, ROWS)


@pytest.fixture
def context(any_settings: Settings, cheap_model: Model) -> Context:
    return Context(any_settings, Clock(), from_environment(any_settings, {}), b"a key of sixteen bytes")


def test_a_stored_evaluation_is_not_made_again_and_is_shown(core: Core, context: Context, cheap_model: Model) -> None:
    found = {**figures(EXAMPLES, ROWS), "correction_count": 0}
    with open_state(context.settings) as sessions, sessions.begin() as session:
        session.add(ModelEvaluation(model=cheap_model.name, figures=found))
        session.add(ModelEvaluation(model="ngram-older", figures={**found, "accuracy": 0.5}))
    core.engine.dispose()

    again = evaluate(context, embedder=None)
    assert (again.counts["measured"], again.changed) == (0, False)
    assert again.details == [{"model": cheap_model.name, **found}]
    run(context, embedder=None)
    stored = {one["model"]: one for one in rows(context, "marts.model_evaluation")}
    assert {name: (one["is_current"], one["accuracy"]) for name, one in stored.items()} == {
        cheap_model.name: (True, 0.75),
        "ngram-older": (False, 0.5),
    }
    assert json.loads(stored["ngram-older"]["f1_by_label"]) == {"price": 0.6667, "none": 0.8}
    columns, shown = report(context.settings, "classifier")
    assert [line[columns.index("model")] for line in shown] == [cheap_model.name, "ngram-older"]
    assert run(context, embedder=None).changed is False
