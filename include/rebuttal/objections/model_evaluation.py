"""What each version of the classifier is worth: cross-validated once, stored, and shown beside the others."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from sqlalchemy import select

from rebuttal.context import Context
from rebuttal.objections.asking import Probabilities
from rebuttal.objections.corrections import load_corrections
from rebuttal.objections.embedding import Embedder, load_embedder
from rebuttal.objections.evaluate import FOLDS, calibration_error, cross_validated, f1_by_label
from rebuttal.objections.model import load_model
from rebuttal.objections.reading import ABSTAIN, labels_of
from rebuttal.objections.tables import EVALUATED
from rebuttal.objections.taxonomy import NONE, load_taxonomy
from rebuttal.objections.training import Example
from rebuttal.objections.training_notes import training_examples
from rebuttal.records import Report
from rebuttal.settings import Settings
from rebuttal.state import ModelEvaluation, open_state

_PLACES = 4
_THRESHOLDS = (0.0, 0.25, 0.3, 0.35, 0.4, 0.45, 0.5, 0.6, 0.7, 0.8)  # of the risk-coverage curve


def evaluate(context: Context, *, embedder: Embedder | str | None = "installed") -> Report:
    """Cross-validate the version of today (shipped texts and corrections), grouped by situation, and store its figures.

    A version is measured once: `measured` is 0 when its figures are there. Takes minutes. `details` has the figures.
    """
    taxonomy = load_taxonomy(context.settings.config)
    chosen = load_embedder() if isinstance(embedder, str) else embedder
    corrections = load_corrections(context.settings)
    model = load_model(context.settings.models, taxonomy, chosen, corrections.examples)
    report = Report("evaluate", counts={"measured": 0})
    with open_state(context.settings) as sessions:
        with sessions() as session:
            stored = session.get(ModelEvaluation, model.name)
            found = stored.figures if stored else None
        if found is None:
            examples = [*training_examples(), *corrections.examples]
            found = figures(examples, cross_validated(examples, taxonomy, chosen))
            found["correction_count"] = len(corrections.by_hash)
            with sessions.begin() as session:
                if session.get(ModelEvaluation, model.name) is None:
                    session.add(ModelEvaluation(model=model.name, figures=found))
            report.counts["measured"], report.changed = 1, True
    report.details = [{"model": model.name, **found}]
    return report


def figures(examples: Sequence[Example], rows: Probabilities) -> dict[str, Any]:
    """The figures of a cross-validation: `rows` are the probabilities of each example by a model that has not seen its
    situation. An example that stands several times, for its weight, is counted once. Macro-F1 as in `evaluate`.
    """
    once = list({example.id: index for index, example in enumerate(examples)}.values())
    chosen, top = [examples[index] for index in once], rows[once].max(axis=1)
    said = [labels_of(row) for row in rows[once]]
    truth, primary = [one.primary for one in chosen], [labels[0] for labels in said]
    right = np.array([t == p for t, p in zip(truth, primary, strict=True)])
    by_label = f1_by_label([[one] for one in truth], [[one] for one in primary])
    languages = sorted({one.language for one in chosen} - {""})
    none_right = int(sum(t == p == NONE for t, p in zip(truth, primary, strict=True)))
    surest = np.argsort(-top, kind="stable")[: max(1, len(top) // 2)]
    clear = top >= ABSTAIN
    measured: dict[str, Any] = {
        "macro_f1": _mean(by_label),
        "macro_f1_label_sets": _mean(f1_by_label([one.labels for one in chosen], said)),
        "accuracy": right.mean(),
        "accuracy_at_half_coverage": right[surest].mean(),
        "none_precision": none_right / max(1, primary.count(NONE)),
        "none_recall": none_right / max(1, truth.count(NONE)),
        "unclear_share": 1 - clear.mean(),
        "accuracy_of_clear": right[clear].mean() if clear.any() else 0.0,
        "calibration_error": calibration_error(top, right),
    }
    return {
        "text_count": len(chosen),
        "situation_count": len({one.situation for one in chosen}),
        "folds": FOLDS,
        **{name: round(float(measured[name]), _PLACES) for name in EVALUATED},
        "macro_f1_by_language": {language: _of_language(chosen, primary, language) for language in languages},
        "f1_by_label": {label: round(score, _PLACES) for label, score in by_label.items()},
        "risk_coverage": [
            [
                threshold,
                round(float((top >= threshold).mean()), _PLACES),
                round(float(right[top >= threshold].mean()), 4),
            ]
            for threshold in _THRESHOLDS
            if (top >= threshold).any()
        ],
    }


def evaluation_rows(settings: Settings, current: str) -> list[dict[str, Any]]:
    """The stored evaluations as rows of `marts.model_evaluation`; `current` is the version that listens now."""
    with open_state(settings) as sessions, sessions() as session:
        stored = session.scalars(select(ModelEvaluation).order_by(ModelEvaluation.model)).all()
    return [
        {
            "model": one.model,
            "is_current": one.model == current,
            **{
                name: value if not isinstance(value, dict | list) else _json(value)
                for name, value in one.figures.items()
            },
        }
        for one in stored
    ]


def _of_language(examples: Sequence[Example], primary: Sequence[str], language: str) -> float:
    pairs = [(one.primary, said) for one, said in zip(examples, primary, strict=True) if one.language == language]
    return round(_mean(f1_by_label([[truth] for truth, _ in pairs], [[said] for _, said in pairs])), _PLACES)


def _mean(scores: Mapping[str, float]) -> float:
    return float(np.mean(list(scores.values())))


def _json(value: Any) -> str:
    return json.dumps(value, sort_keys=True)
