"""`python -m rebuttal.objections.evaluate [FILE.jsonl ...]`: how good the classifier is, told honestly.

Cross-validation over the training texts, grouped by situation and by what tells the same in another language (`retold`;
neither ever stands on both sides), and each FILE (texts that nobody trained on, with `labels`, `spans` or both) with
the model as shipped. Prints macro-F1 of the primary label over the 17 classes, the same over label sets, by language,
precision and recall of `none`, the risk-coverage curve, and F1 of spans; the same figures go to `models/<model>.json`
in the home.
"""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from rebuttal.objections.asking import Probabilities
from rebuttal.objections.embedding import Embedder, Matrix, load_embedder
from rebuttal.objections.hearing import kind_of
from rebuttal.objections.model import Model, description_examples, load_model, train
from rebuttal.objections.reading import ABSTAIN, labels_of, read_texts
from rebuttal.objections.retold import group_of
from rebuttal.objections.taxonomy import LABELS, NONE, Taxonomy, load_taxonomy
from rebuttal.objections.training import Example, read_examples, training_vectors
from rebuttal.objections.training_notes import training_examples
from rebuttal.settings import load_settings

FOLDS = 5


def macro_f1(truth: Sequence[Sequence[str]], said: Sequence[Sequence[str]]) -> float:
    """Mean over `LABELS` of F1 = 2 TP / (2 TP + FP + FN), on label sets (one label each: the usual macro-F1).

    A label that is neither true nor said anywhere is left out of the mean.
    """
    return float(np.mean(list(f1_by_label(truth, said).values())))


def f1_by_label(truth: Sequence[Sequence[str]], said: Sequence[Sequence[str]]) -> dict[str, float]:
    """F1 of each label that is true or said somewhere."""
    scores = {}
    for label in LABELS:
        both = sum(label in t and label in s for t, s in zip(truth, said, strict=True))
        either = sum(label in t for t in truth) + sum(label in s for s in said)
        if either:
            scores[label] = 2 * both / either
    return scores


def cross_validated(examples: Sequence[Example], taxonomy: Taxonomy, embedder: Embedder | None) -> Probabilities:
    """For each example the probabilities of a model that has not seen its situation."""
    folds = np.array(
        [int(hashlib.sha256(group_of(one.situation).encode()).hexdigest(), 16) % FOLDS for one in examples]
    )
    rows = np.zeros((len(examples), len(LABELS)))
    for fold in range(FOLDS):
        seen = [one for one, number in zip(examples, folds, strict=True) if number != fold]
        model = train([*seen, *description_examples(taxonomy)], embedder, f"{_kind(embedder)}-fold{fold}")
        held = [index for index, number in enumerate(folds) if number == fold]
        rows[held] = model.probabilities([examples[index].text for index in held])
    return rows


Place = tuple[int, int, str]  # start, end (exclusive), label


def span_scores(truth: Sequence[Sequence[Place]], said: Sequence[Sequence[Place]]) -> dict[str, float]:
    """F1 = 2 TP / (2 TP + FP + FN) over all texts: `exact` (same place and label), `overlap` (the same label, half of
    what both cover together is common), `place` (the same without the label). A span answers for one other at most."""
    rules: dict[str, Callable[[Place, Place], bool]] = {
        "exact": lambda one, other: one == other,
        "overlap": lambda one, other: one[2] == other[2] and _common(one, other) >= 0.5,
        "place": lambda one, other: _common(one, other) >= 0.5,
    }
    scores = {}
    for name, is_same in rules.items():
        hits = 0
        for expected, got in zip(truth, said, strict=True):
            left = list(expected)
            for one in got:
                match = next((other for other in left if is_same(one, other)), None)
                if match is not None:
                    left.remove(match)
                    hits += 1
        both = sum(map(len, truth)) + sum(map(len, said))
        scores[name] = 2 * hits / both if both else 1.0
    return scores


def _common(one: Place, other: Place) -> float:
    """What two places share, of what they cover together."""
    shared = min(one[1], other[1]) - max(one[0], other[0])
    return max(0.0, shared / (max(one[1], other[1]) - min(one[0], other[0])))


def risk_coverage(confidence: npt.NDArray[np.float64], is_right: npt.NDArray[np.bool_]) -> list[dict[str, float]]:
    """For each tenth of the texts, the surest first: coverage, their accuracy, and the confidence of the last one."""
    order = np.argsort(-confidence, kind="stable")
    curve = []
    for tenth in range(1, 11):
        count = max(1, len(order) * tenth // 10)
        chosen = order[:count]
        curve.append(
            {
                "coverage": count / len(order),
                "accuracy": float(is_right[chosen].mean()),
                "threshold": float(confidence[chosen[-1]]),
            }
        )
    return curve


@dataclass
class Evaluation:
    """Figures of one model on one set of texts, by name; `lines` tells them to people."""

    name: str
    figures: dict[str, Any] = field(default_factory=dict)

    def lines(self) -> list[str]:
        """A line for each figure."""
        out = [self.name]
        for key, value in self.figures.items():
            if key == "risk_coverage":
                out += [
                    f"  {row['coverage']:.0%} labelled from {row['threshold']:.2f}: {row['accuracy']:.3f}"
                    for row in value
                ]
            elif isinstance(value, dict):
                out.append(f"  {key}: " + ", ".join(f"{name} {score:.3f}" for name, score in value.items()))
            else:
                out.append(f"  {key}: {value:.3f}" if isinstance(value, float) else f"  {key}: {value}")
        return out


def evaluation(
    name: str, examples: Sequence[Example], said: Sequence[Sequence[str]], top: npt.NDArray[np.float64]
) -> Evaluation:
    """The figures; `said` are the labels (primary first), `top` the confidence, of each example."""
    primary = [labels[0] for labels in said]
    truth = [one.primary for one in examples]
    is_right = np.array([t == p for t, p in zip(truth, primary, strict=True)])
    nones = sum(t == p == NONE for t, p in zip(truth, primary, strict=True))
    by_language = {}
    for language in sorted({one.language for one in examples}):
        chosen = [index for index, one in enumerate(examples) if one.language == language]
        by_language[language] = _macro([truth[i] for i in chosen], [primary[i] for i in chosen])
    figures: dict[str, Any] = {
        "texts": len(examples),
        "macro_f1": _macro(truth, primary),
        "macro_f1_label_sets": macro_f1([one.labels for one in examples], said),
        "accuracy": float(is_right.mean()),
        "macro_f1_by_language": by_language,
        "none_precision": nones / max(1, primary.count(NONE)),
        "none_recall": nones / max(1, truth.count(NONE)),
        "f1_by_label": f1_by_label([[t] for t in truth], [[p] for p in primary]),
        "unclear": float((top < ABSTAIN).mean()),
        "calibration_error": calibration_error(top, is_right),
        "risk_coverage": risk_coverage(top, is_right),
    }
    return Evaluation(name, figures)


def calibration_error(confidence: npt.NDArray[np.float64], is_right: npt.NDArray[np.bool_], bins: int = 10) -> float:
    """Expected calibration error: mean distance of confidence and accuracy over equal-width bins, weighted by size."""
    places = np.minimum((confidence * bins).astype(int), bins - 1)
    total = 0.0
    for place in range(bins):
        chosen = places == place
        if chosen.any():
            total += chosen.mean() * abs(confidence[chosen].mean() - is_right[chosen].mean())
    return float(total)


def _macro(truth: Sequence[str], said: Sequence[str]) -> float:
    return macro_f1([[one] for one in truth], [[one] for one in said])


def _kind(embedder: Embedder | None) -> str:
    return f"ngram+{embedder.name}" if embedder else "ngram"


class _Shipped:
    """An embedder that knows the training texts' vectors already."""

    def __init__(self, inner: Embedder) -> None:
        self.name = inner.name
        self._inner = inner

    def vectors(self, texts: Sequence[str]) -> Matrix:
        return training_vectors(texts, self._inner)


def _of_file(path: Path, model: Model) -> Evaluation:
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
    readings = read_texts(model, [(row["text"], kind_of(row.get("channel"))) for row in rows])
    found = Evaluation(f"{path.name}, {model.name}", {"texts": len(rows)})
    if all("labels" in row for row in rows):
        top = np.array([reading.confidence for reading in readings])
        found = evaluation(found.name, read_examples(path), [reading.labels for reading in readings], top)
    if any("spans" in row for row in rows):
        truth = [[(one["start"], one["end"], one["label"]) for one in row.get("spans", [])] for row in rows]
        said = [[(one.start, one.end, one.label) for one in reading.findings] for reading in readings]
        found.figures["places"] = sum(map(len, truth))
        found.figures["places_found"] = sum(map(len, said))
        found.figures["spans_f1"] = span_scores(truth, said)
    return found


def main(paths: Sequence[str]) -> int:
    """Print the figures and keep them beside the model."""
    settings = load_settings()
    taxonomy = load_taxonomy(settings.config)
    embedder = load_embedder()
    examples = training_examples()
    for one in [None, _Shipped(embedder)] if embedder else [None]:
        rows = cross_validated(examples, taxonomy, one)
        found = [evaluation(f"cross-validation, {_kind(one)}", examples, list(map(labels_of, rows)), rows.max(axis=1))]
        model = load_model(settings.models, taxonomy, one)
        found += [_of_file(Path(path), model) for path in paths]
        kept = {one.name: one.figures for one in found}
        path = settings.models / f"{model.name}.json"
        path.write_text(json.dumps(kept, indent=1) + "\n", encoding="utf-8")
        sys.stdout.write("\n".join(line for one in found for line in one.lines()) + "\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
