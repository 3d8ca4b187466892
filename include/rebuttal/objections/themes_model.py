"""Where a sentence stands among the themes of its category: by embeddings, from the shipped texts and the taxonomy.

Three things are learnt, all deterministic: per category a logistic regression over its configured themes; a space in
which the wording and the language of one situation count little (within-class covariance normalisation: Hatch,
Kajarekar and Stolcke, Interspeech 2006); and each configured theme's centre in that space. What is cached holds plain
arrays only.
"""

from __future__ import annotations

import csv
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.linear_model import LogisticRegression

from rebuttal.objections.embedding import DIMENSIONS, Embedder, Matrix
from rebuttal.objections.model_files import one_trainer, read_arrays, write_arrays
from rebuttal.objections.taxonomy import GENERAL, NONE, Category, Taxonomy
from rebuttal.objections.training import Example, content_hash, load_examples, training_vectors
from rebuttal.objections.wording import prepared

Packed = npt.NDArray[np.int8]

_C = 15.0
_SHRINK = 0.6  # of the within-situation covariance towards a sphere; the best of five on the taxonomy's examples
_LABELLED = Path(__file__).with_name("training") / "themes.csv"  # situation, category, theme where words do not tell
_SHAPING = ("embedding", "themes_model", "wording")


@dataclass(frozen=True)
class Classes:
    """One category's configured themes. `weights` DIMENSIONS x themes; `centres` unit rows in the space."""

    codes: tuple[str, ...]
    weights: Matrix
    bias: Matrix
    centres: Matrix


@dataclass(frozen=True)
class ThemeModel:
    """A trained model; the same texts and taxonomy give the same `name` and the same numbers."""

    name: str
    mean: Matrix
    whitening: Matrix
    classes: Mapping[str, Classes]
    embedder: Embedder

    def packed(self, quotes: Sequence[str]) -> Packed:
        """One 8-bit row per quote: what is stored is what is computed with, so a later run finds the same."""
        vectors = self.embedder.vectors([prepared(quote) for quote in quotes])
        return np.asarray(np.round(127 * vectors / np.abs(vectors).max(axis=1, keepdims=True)), dtype=np.int8)

    def likelihoods(self, category: str, rows: Packed) -> npt.NDArray[np.float64]:
        """Rows summing to 1, a column per code of the category's classes: how like each theme, all alike frequent."""
        known = self.classes[category]
        scores = np.asarray(_unit(rows.astype(np.float32)) @ known.weights + known.bias, dtype=np.float64)
        odds = np.exp(scores - scores.max(axis=1, keepdims=True))
        return np.asarray(np.round(odds / odds.sum(axis=1, keepdims=True), 6))

    def placed(self, rows: Packed) -> Matrix:
        """Unit rows in the space where likeness of meaning is a cosine."""
        return _unit((_unit(rows.astype(np.float32)) - self.mean) @ self.whitening)


def load_theme_model(folder: Path, taxonomy: Taxonomy, embedder: Embedder) -> ThemeModel:
    """The model for the shipped texts and this taxonomy, from `folder` or trained now and kept there."""
    examples = load_examples()
    parts = [f"{one.text}|{one.labels}|{one.situation}" for one in examples]
    parts += [_LABELLED.read_text(encoding="utf-8")]
    parts += [
        f"{category.code}|{theme.code}|{theme.words}|{theme.examples}"
        for category in taxonomy.categories.values()
        for theme in category.themes
    ]
    parts += [Path(__file__).with_name(f"{module}.py").read_text(encoding="utf-8") for module in _SHAPING]
    name = f"themes+{embedder.name}-{content_hash(parts)[:12]}"
    path = folder / f"{name}.npz"
    with one_trainer(path):
        if path.exists():
            return _read(path, name, taxonomy, embedder)
        model = train_themes(examples, taxonomy, embedder, name)
        _write(path, model)
    return model


def train_themes(
    examples: Sequence[Example], taxonomy: Taxonomy, embedder: Embedder, name: str = "trained"
) -> ThemeModel:
    """Train on `examples`, whose themes are told by words, by another wording of the same situation, or by hand."""
    vectors = training_vectors([prepared(one.text) for one in examples], embedder)
    mean, whitening = _space(vectors, examples)
    classes: dict[str, Classes] = {}
    for code, category in taxonomy.categories.items():
        told = list(_told(category, examples))
        rows, targets = [vectors[index] for index, _ in told], [theme for _, theme in told]
        shown = [(text, theme.code) for theme in category.themes for text in theme.examples]
        if shown:
            rows += list(embedder.vectors([prepared(text) for text, _ in shown]))
            targets += [theme for _, theme in shown]
        if len(set(targets)) > 1:
            classes[code] = _fit(np.vstack(rows), targets, mean, whitening)
    return ThemeModel(name, mean, whitening, classes, embedder)


def _told(category: Category, examples: Sequence[Example]) -> Iterator[tuple[int, str]]:
    """(number of the example, theme) of those that tell a configured theme of the category."""
    by_hand: dict[str, str] = {}
    with _LABELLED.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            if row["category"] == category.code:
                by_hand[row["situation"]] = row["theme"]
    own = {i: category.theme_of(one.text) for i, one in enumerate(examples) if category.code in one.labels}
    siblings: dict[str, set[str]] = defaultdict(set)
    for index, theme in own.items():
        siblings[examples[index].situation].add(theme)
    codes = {theme.code for theme in category.themes}
    for index, theme in own.items():
        situation = examples[index].situation
        others = siblings[situation] - {GENERAL}
        found = by_hand.get(situation) or (next(iter(others)) if len(others) == 1 else theme)
        if found not in (NONE, GENERAL) and found in codes:
            yield index, found


def _space(vectors: Matrix, examples: Sequence[Example]) -> tuple[Matrix, Matrix]:
    """Mean, and the matrix that makes the spread of wordings within one situation alike in all directions."""
    situations: dict[str, list[int]] = defaultdict(list)
    for index, one in enumerate(examples):
        situations[one.situation].append(index)
    spread = np.vstack([vectors[g] - vectors[g].mean(axis=0) for g in situations.values() if len(g) > 1])
    within = (spread.T @ spread / len(spread)).astype(np.float64)
    sphere = np.trace(within) / DIMENSIONS * np.eye(DIMENSIONS)
    sizes, directions = np.linalg.eigh((1 - _SHRINK) * within + _SHRINK * sphere)
    whitening = directions @ np.diag(sizes**-0.5) @ directions.T
    return vectors.mean(axis=0).astype(np.float32), whitening.astype(np.float32)


def _fit(rows: Matrix, targets: Sequence[str], mean: Matrix, whitening: Matrix) -> Classes:
    model = LogisticRegression(C=_C, max_iter=400, class_weight="balanced").fit(rows, targets)
    codes = tuple(str(code) for code in model.classes_)
    weights, bias = model.coef_.T, model.intercept_
    if len(codes) == 2:  # two classes share one line: the first one's scores are zero
        weights, bias = np.hstack([0 * weights, weights]), np.array([0.0, bias[0]])
    placed = _unit((rows - mean) @ whitening)
    told = np.array(targets)
    centres = _unit(np.vstack([placed[told == code].mean(axis=0) for code in codes]))
    return Classes(codes, weights.astype(np.float32), bias.astype(np.float32), centres)


def _unit(rows: npt.NDArray[Any]) -> Matrix:
    return np.asarray(rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-9), dtype=np.float32)


def _write(path: Path, model: ThemeModel) -> None:
    arrays: dict[str, npt.NDArray[np.generic]] = {"mean": model.mean, "whitening": model.whitening}
    for category, known in model.classes.items():
        arrays |= {
            f"{category}.codes": np.array(known.codes),
            f"{category}.weights": known.weights,
            f"{category}.bias": known.bias,
            f"{category}.centres": known.centres,
        }
    write_arrays(path, arrays)


def _read(path: Path, name: str, taxonomy: Taxonomy, embedder: Embedder) -> ThemeModel:
    arrays = read_arrays(path)
    classes = {
        code: Classes(
            tuple(str(one) for one in arrays[f"{code}.codes"]),
            arrays[f"{code}.weights"],
            arrays[f"{code}.bias"],
            arrays[f"{code}.centres"],
        )
        for code in taxonomy.categories
        if f"{code}.codes" in arrays
    }
    return ThemeModel(name, arrays["mean"], arrays["whitening"], classes, embedder)
