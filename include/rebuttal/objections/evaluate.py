"""`python -m rebuttal.objections.evaluate [FILE.jsonl ...]`: how good the classifier is, told honestly.

Cross-validation over the training texts, grouped by situation (what tells the same story, in whichever language, never
stands on both sides), and each FILE (labelled texts that nobody trained on) with the model as shipped. Prints macro-F1
of the primary label over the 17 classes, the same over label sets, by language, precision and recall of `none`, and
what share of texts is labelled at which threshold with which accuracy.
"""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from rebuttal.objections.embedding import Embedder, load_embedder
from rebuttal.objections.model import Model, Probabilities, description_examples, load_model, train
from rebuttal.objections.reading import ABSTAIN, labels_of, read_texts
from rebuttal.objections.taxonomy import LABELS, NONE, Taxonomy, load_taxonomy
from rebuttal.objections.training import Example, load_examples, read_examples
from rebuttal.settings import load_settings

FOLDS = 5
THRESHOLDS = (0.0, 0.25, 0.3, 0.35, 0.4, 0.45, 0.5, 0.6, 0.7, 0.8)


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
    folds = np.array([int(hashlib.sha256(one.situation.encode()).hexdigest(), 16) % FOLDS for one in examples])
    rows = np.zeros((len(examples), len(LABELS)))
    for fold in range(FOLDS):
        seen = [one for one, number in zip(examples, folds, strict=True) if number != fold]
        model = train([*seen, *description_examples(taxonomy)], embedder, f"{_kind(embedder)}-fold{fold}")
        held = [index for index, number in enumerate(folds) if number == fold]
        rows[held] = model.probabilities([examples[index].text for index in held])
    return rows


def report(
    name: str, examples: Sequence[Example], said: Sequence[Sequence[str]], top: npt.NDArray[np.float64]
) -> list[str]:
    """The figures as lines of text; `said` are the labels (primary first), `top` the confidence, of each example."""
    primary = [labels[0] for labels in said]
    truth = [one.primary for one in examples]
    lines = [f"{name}: {len(examples)} texts"]
    lines.append(f"  macro-F1 primary {_macro(truth, primary):.3f}, label sets {_sets(examples, said):.3f}")
    lines.append(f"  accuracy {np.mean([t == p for t, p in zip(truth, primary, strict=True)]):.3f}")
    for language in sorted({one.language for one in examples}):
        chosen = [index for index, one in enumerate(examples) if one.language == language]
        score = _macro([truth[i] for i in chosen], [primary[i] for i in chosen])
        lines.append(f"  {language}: macro-F1 {score:.3f} ({len(chosen)} texts)")
    right = sum(t == p == NONE for t, p in zip(truth, primary, strict=True))
    lines.append(
        f"  none: precision {right / max(1, primary.count(NONE)):.3f}, recall {right / max(1, truth.count(NONE)):.3f}"
    )
    scores = f1_by_label([[t] for t in truth], [[p] for p in primary])
    lines.append("  F1: " + ", ".join(f"{label} {score:.2f}" for label, score in scores.items()))
    lines.append("  threshold: share labelled, accuracy of those")
    for threshold in THRESHOLDS:
        sure = top >= threshold
        if sure.any():
            hit = np.array([t == p for t, p in zip(truth, primary, strict=True)])[sure].mean()
            mark = "  <- unclear below" if threshold == ABSTAIN else ""
            lines.append(f"    {threshold:.2f}: {sure.mean():.3f}, {hit:.3f}{mark}")
    lines.append(f"  calibration error {calibration_error(top, np.array(truth) == np.array(primary)):.3f}")
    return lines


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


def _sets(examples: Sequence[Example], said: Sequence[Sequence[str]]) -> float:
    return macro_f1([one.labels for one in examples], said)


def _kind(embedder: Embedder | None) -> str:
    return f"ngram+{embedder.name}" if embedder else "ngram"


def main(paths: Sequence[str]) -> int:
    """Print the reports."""
    settings = load_settings()
    taxonomy = load_taxonomy(settings.config)
    embedder = load_embedder()
    examples = load_examples()
    lines: list[str] = []
    for one in [None, embedder] if embedder else [None]:
        name = f"cross-validation, {_kind(one)}"
        rows = cross_validated(examples, taxonomy, one)
        lines += report(name, examples, [labels_of(row) for row in rows], rows.max(axis=1))
        model: Model = load_model(settings.home, taxonomy, one)
        for path in paths:
            held = read_examples(Path(path))
            readings = read_texts(model, [(example.text, "survey") for example in held])
            top = np.array([reading.confidence for reading in readings])
            lines += report(f"{Path(path).name}, {model.name}", held, [reading.labels for reading in readings], top)
    sys.stdout.write("\n".join(lines) + "\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
