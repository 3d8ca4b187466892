"""The classifier: n-grams first, embeddings for the doubtful; trained from the shipped texts, cached by their content.

Probabilities over `LABELS` (16 categories and `none`). The same text always gets the same numbers, whatever stands
beside it in a batch. Training is deterministic and takes up to a minute; what is cached holds plain arrays only.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.linear_model import LogisticRegression

from rebuttal.objections.asking import Asked, Probabilities, heard_within, softmax, with_none_odds
from rebuttal.objections.embedding import Embedder, Matrix, by_sentence
from rebuttal.objections.guess import Guess
from rebuttal.objections.kernel import Kernel
from rebuttal.objections.model_files import one_trainer, read_arrays, write_arrays
from rebuttal.objections.ngrams import Ngrams
from rebuttal.objections.spelling import Spelling
from rebuttal.objections.taxonomy import LABELS, NONE, Taxonomy
from rebuttal.objections.training import Example, content_hash, training_vectors
from rebuttal.objections.training_notes import training_examples
from rebuttal.objections.wording import prepared, signs

# Part of the name: when one of these changes, no cached model is used and every text is read again.
_SHAPING = (
    "asking",
    "given_names",
    "guess",
    "hearing",
    "kernel",
    "language",
    "markup",
    "model",
    "ngrams",
    "quadratic",
    "reading",
    "redaction",
    "sentences",
    "speech",
    "spelling",
    "wording",
)
NONE_WEIGHT = 1.2  # labels count alike in training, but most of what is said is no objection
PRIMARY_SHARE = 0.65  # of a many-labelled text's weight that its primary label gets
NGRAM_C = 8.0
DENSE_SIGN_WEIGHT = 0.15
SAY = (0.4, 0.7)  # weight of the n-grams' and of the kernel's say where both are asked
NONE_ODDS = 0.6  # how much likelier `none` is made there; both by grouped cross-validation over the training texts
# Weight of the n-grams' and of the guessed embedding's say in the cheap stage; by grouped cross-validation as well.
CHEAP_SAY = (0.94, 0.53)
# How much likelier `none` is in the cheap stage where the embeddings stand behind it: by itself it hears objections
# in small talk. This and the thresholds below: the fewest embeddings at 0.7 points of macro-F1 lost on four worlds of
# the sandbox, and none lost in grouped cross-validation over the training texts. They are from before the guess, and
# stand: lower ones lose as much as they save.
CHEAP_NONE_ODDS = 2.56
SURE = 0.9  # the cheap stage's own probability from which the embeddings are not asked
CALM_SURE = 0.75  # the same for a sentence of a long text
# For `none` of a sentence of a short note or call: most of these are nothing, in the sandbox as well.
TOLD_NONE_SURE = 0.7
# From these probabilities of its own, of an objection and of `none`, a sentence of a message is not embedded for the
# message's sake: what is typical of its label stands for it.
SETTLED, SETTLED_NONE = 0.8, 0.65
# Probabilities to the power 1/temperature; found by grouped cross-validation over the training texts.
TEMPERATURE = {"ngram": 0.85, "ngram+e5": 0.7}
UNREADABLE = 0.25  # familiarity below which a text is no language we know: nothing is sure about it
_ROUND = 5  # a product of matrices differs in its last digits with the number of rows


@dataclass(frozen=True)
class Linear:
    """A multinomial logistic regression as arrays: scores = rows @ weights + bias."""

    weights: npt.NDArray[np.float32]
    bias: npt.NDArray[np.float32]

    def logits(self, rows: Any) -> Probabilities:
        """One row of scores per row of features."""
        return np.asarray(rows @ self.weights, dtype=np.float64) + self.bias


@dataclass(frozen=True)
class Model:
    """A trained classifier. `name` says which stages it has and from which texts it was made."""

    name: str
    spelling: Spelling
    ngrams: Ngrams
    cheap: Linear
    dense: Kernel | None
    guess: Guess | None
    embedder: Embedder | None
    sure: float = SURE
    calm_sure: float = CALM_SURE
    told_none_sure: float = TOLD_NONE_SURE
    settled: tuple[float, float] = (SETTLED, SETTLED_NONE)
    # Of a doubtful text that turns ("..., but ...") only what follows is embedded, not the text as well.
    is_turn_enough: bool = True

    @property
    def kind(self) -> str:
        """`ngram` or `ngram+e5`."""
        return self.name.rsplit("-", 1)[0]

    def probabilities(
        self,
        texts: Sequence[str],
        calm: Sequence[float] | None = None,
        around: Sequence[tuple[str, ...]] | None = None,
    ) -> Probabilities:
        """One row per raw text, one column per label of `LABELS`, summing to 1.

        Where a text turns ("..., but ..."), what follows counts for more than the whole. `calm` says by text how much
        likelier `none` is where the text comes from than among the training texts (1 unless told), `around` the
        sentences of the message in which it stands (empty: in none), whose row has its say. What the cheap stage is
        sure of is not embedded; what is, is embedded once, however often it is asked.
        """
        odds = np.ones(len(texts)) if calm is None else np.asarray(calm, dtype=np.float64)
        return self._judged(texts, odds, around or [()] * len(texts), is_embedding=True)

    def quick(self, texts: Sequence[str]) -> Probabilities:
        """The same by the cheap stage alone."""
        return self._judged(texts, np.ones(len(texts)), [()] * len(texts), is_embedding=False)

    def _judged(
        self,
        texts: Sequence[str],
        calm: npt.NDArray[np.float64],
        around: Sequence[tuple[str, ...]],
        is_embedding: bool,
    ) -> Probabilities:
        if not texts:
            return np.zeros((0, len(LABELS)))
        # A message's sentences are asked alone as well.
        ready = cache(lambda text: self.spelling.mended(prepared(text)))
        own = Asked.of(texts, calm, ready)
        wider = list(dict.fromkeys(pair for pair in zip(around, calm, strict=True) if pair[0]))
        places = {pair: row for row, pair in enumerate(wider)}
        inside = np.array([places.get(pair, -1) for pair in zip(around, calm, strict=True)])
        odds = np.array([odds for _, odds in wider])
        whole = Asked.of([sentences for sentences, _ in wider], odds, ready)
        lines = [line for text in whole.parts() for line in text.split("\n")]
        asked = list(dict.fromkeys([*own.parts(), *whole.parts(), *lines]))
        features = self.ngrams.transform(asked)
        logits = self.cheap.logits(features)
        quick = softmax(logits, TEMPERATURE["ngram"])
        if self.guess is not None:
            guessed = self.guess.logits(features, DENSE_SIGN_WEIGHT * self.ngrams.stance(features))
            quick = softmax(CHEAP_SAY[0] * logits + CHEAP_SAY[1] * guessed, 1.0)
            quick = with_none_odds(quick, CHEAP_NONE_ODDS)
        at = {text: row for row, text in enumerate(asked)}
        found = dict(zip(asked, quick, strict=True))
        wide = whole.rows(found)
        alone = own.rows(found)
        rows = heard_within(alone, wide, inside)
        if is_embedding and self.dense is not None and self.embedder is not None:
            told = np.array([len(sentences) > 1 for sentences in around])
            told &= alone.argmax(axis=1) == LABELS.index(NONE)  # what alone voices something is never settled so early
            doubtful = self._doubtful(rows, calm > 1, told)
            unsure = np.zeros(len(wider), dtype=bool)
            unsure[inside[doubtful & (inside >= 0)]] = True
            several = np.array([len(sentences) > 1 for sentences, _ in wider], dtype=bool)
            unsure &= self._doubtful(wide, np.zeros(len(wider), dtype=bool), several)
            settled = (inside >= 0) & self._settled(alone)
            parts = Asked.last if self.is_turn_enough else Asked.parts
            again = list(dict.fromkeys([*parts(own, doubtful & ~settled), *parts(whole, unsure)]))
            if again:
                vectors = by_sentence(self.embedder, again, self._typical(found, lines))
                dense = self.dense.logits(vectors, DENSE_SIGN_WEIGHT * signs(again))
                both = blended(logits[[at[text] for text in again]], dense)
                found |= zip(again, both, strict=True)
                wide = np.where(unsure[:, None], whole.rows(found), wide)
                better = heard_within(np.where(settled[:, None], alone, own.rows(found)), wide, inside)
                rows = np.where(doubtful[:, None], better, rows)
        for index, text in enumerate(own.texts):
            if self.ngrams.familiarity(text) < UNREADABLE:
                rows[index] = 0.25 * rows[index] + 0.75 / len(LABELS)
        return np.round(rows, _ROUND)

    def _settled(self, rows: Probabilities) -> npt.NDArray[np.bool_]:
        """Which sentences' rows are so sure that nothing more is asked about them for their message's sake."""
        objection, none = self.settled
        enough = np.where(rows.argmax(axis=1) == LABELS.index(NONE), none, objection)
        return np.asarray(rows.max(axis=1, initial=0.0) >= enough)

    def _typical(self, found: Mapping[str, Probabilities], lines: Sequence[str]) -> dict[str, Matrix]:
        """Of these sentences the settled ones, each with the vector that is typical of its label."""
        if self.dense is None or not lines:
            return {}
        rows = np.array([found[line] for line in lines])
        chosen = zip(lines, rows.argmax(axis=1), self._settled(rows), strict=True)
        return {line: self.dense.typical[label] for line, label, is_settled in chosen if is_settled}

    def _doubtful(
        self, rows: Probabilities, is_among_others: npt.NDArray[np.bool_], is_told: npt.NDArray[np.bool_]
    ) -> npt.NDArray[np.bool_]:
        """Of which rows the cheap stage is not sure: of a long text, of a short note or call, or of neither."""
        enough = np.where(is_among_others, self.calm_sure, self.sure)
        none_enough = np.where(is_told, self.told_none_sure, enough)
        return np.asarray(
            rows.max(axis=1, initial=0.0) < np.where(rows.argmax(axis=1) == LABELS.index(NONE), none_enough, enough)
        )


def blended(cheap: Probabilities, dense: Probabilities) -> Probabilities:
    """Both stages' scores as rows of probabilities: a weighted geometric mean of what each of them holds likely."""
    each = [np.log(np.maximum(softmax(one, 1.0), 1e-12)) for one in (cheap, dense)]
    rows = softmax(SAY[0] * each[0] + SAY[1] * each[1], TEMPERATURE["ngram+e5"])
    return with_none_odds(rows, NONE_ODDS)


def load_model(folder: Path, taxonomy: Taxonomy, embedder: Embedder | None, corrected: Sequence[Example] = ()) -> Model:
    """The model for the shipped texts, what people corrected and this taxonomy; from `folder` or trained now."""
    examples = [*training_examples(), *corrected, *description_examples(taxonomy)]
    kind = f"ngram+{embedder.name}" if embedder else "ngram"
    parts = [f"{example.text}|{example.labels}|{example.primary}" for example in examples]
    parts += [f"{theme.code}|{theme.words}" for category in taxonomy.categories.values() for theme in category.themes]
    parts += [Path(__file__).with_name(f"{module}.py").read_text(encoding="utf-8") for module in _SHAPING]
    name = f"{kind}-{content_hash(parts)[:12]}"
    path = folder / f"{name}.npz"
    with one_trainer(path):
        if path.exists():
            return _read(path, name, embedder)
        model = train(examples, embedder, name)
        _write(path, model)
    return model


def train(examples: Sequence[Example], embedder: Embedder | None, name: str = "trained") -> Model:
    """Train both stages on `examples` (the second only with an embedder). Deterministic."""
    texts = [prepared(example.text) for example in examples]
    rows, targets, weights = _weighted(examples)
    ngrams = Ngrams.fit(texts)
    features = ngrams.transform(texts)
    cheap = _fit(features[rows], targets, weights, NGRAM_C)
    dense, guess = None, None
    if embedder is not None:
        vectors, stance = training_vectors(texts, embedder), DENSE_SIGN_WEIGHT * signs(texts)
        shares = np.zeros((len(texts), len(LABELS)), dtype=np.float32)
        np.add.at(shares, (rows, targets), np.asarray(weights, dtype=np.float32))
        by_text = shares.sum(axis=1, dtype=np.float64)
        dense = Kernel.fit(vectors, stance, (shares.T / by_text.astype(np.float32)).T, by_text)
        guess = Guess.fit(features, vectors, dense)
    return Model(name, Spelling.of(texts), ngrams, cheap, dense, guess, embedder)


def description_examples(taxonomy: Taxonomy) -> list[Example]:
    """The categories' own names and definitions as examples."""
    return [
        Example(f"definition-{label}-{language}", language, "", text, (label,), label, f"definition-{label}")
        for label, language, text in taxonomy.definitions()
    ]


def _weighted(examples: Sequence[Example]) -> tuple[list[int], list[int], list[float]]:
    """Row numbers, label numbers and weights: a text with several labels stands once for each, labels count alike."""
    rows, targets, weights = [], [], []
    for row, example in enumerate(examples):
        others = [label for label in example.labels if label != example.primary]
        shares = [(example.primary, PRIMARY_SHARE if others else 1.0)]
        shares += [(label, (1 - PRIMARY_SHARE) / len(others)) for label in others]
        for label, share in shares:
            rows.append(row)
            targets.append(LABELS.index(label))
            weights.append(share)
    sizes = np.bincount(targets, minlength=len(LABELS))
    scale = np.where(sizes, len(targets) / (len(LABELS) * np.maximum(sizes, 1)), 0.0)
    scale[LABELS.index(NONE)] *= NONE_WEIGHT
    return rows, targets, [weight * float(scale[target]) for weight, target in zip(weights, targets, strict=True)]


def _fit(features: Any, targets: list[int], weights: list[float], c: float) -> Linear:
    model = LogisticRegression(C=c, max_iter=200, tol=1e-3)
    model.fit(features, targets, sample_weight=weights)
    kinds = features.shape[1]
    full = np.zeros((kinds, len(LABELS)), dtype=np.float32)
    bias = np.full(len(LABELS), -20.0, dtype=np.float32)  # a label without a single example is never chosen
    full[:, model.classes_] = model.coef_.T
    bias[model.classes_] = model.intercept_
    return Linear(full, bias)


def _write(path: Path, model: Model) -> None:
    arrays: dict[str, Any] = {
        **model.spelling.arrays(),
        **model.ngrams.arrays(),
        "cheap_weights": model.cheap.weights,
        "cheap_bias": model.cheap.bias,
    }
    if model.dense is not None:
        arrays |= model.dense.arrays()
    if model.guess is not None:
        arrays |= model.guess.arrays()
    write_arrays(path, arrays)


def _read(path: Path, name: str, embedder: Embedder | None) -> Model:
    arrays = read_arrays(path)
    cheap = Linear(arrays["cheap_weights"], arrays["cheap_bias"])
    dense = Kernel.from_arrays(arrays) if "kernel_rows" in arrays else None
    guess = Guess.from_arrays(arrays) if dense else None
    spelling, ngrams = Spelling.from_arrays(arrays), Ngrams.from_arrays(arrays)
    return Model(name, spelling, ngrams, cheap, dense, guess, embedder)
