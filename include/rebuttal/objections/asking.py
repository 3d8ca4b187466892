"""What a text says, made of its parts: itself, what follows a "but", a denied worry, the message around it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from rebuttal.objections.taxonomy import LABELS, NONE
from rebuttal.objections.wording import after_contrast, is_denial, prepared

Probabilities = npt.NDArray[np.float64]

WHOLE_SAY = 0.7  # of a short text in what one of its sentences says: alone a sentence is easily misread
# A sentence that alone voices something with this probability is not talked down to nothing by its message. By grouped
# cross-validation over the training texts.
KEPT = 0.6
TAIL_WEIGHT = 0.6  # of what follows "but"
DENIAL_ODDS = 10.0  # how much likelier `none` is where a worry is denied: vectors hardly see a "not"


@dataclass(frozen=True)
class Asked:
    """Prepared texts, what follows the last "but" of each (or nothing), and how much likelier `none` is made.

    A text of several lines is a message: a line for each of its sentences.
    """

    texts: list[str]
    tails: list[str]
    odds: npt.NDArray[np.float64]

    @classmethod
    def of(
        cls,
        texts: Sequence[str | tuple[str, ...]],
        calm: npt.NDArray[np.float64],
        ready: Callable[[str], str] = prepared,
    ) -> Asked:
        """Prepare raw texts, a message as its sentences; `calm` says of each how much likelier `none` is there.

        `ready` prepares a sentence, and may undo slips of the keyboard in it.
        """
        several = [(text,) if isinstance(text, str) else text for text in texts]
        whole = ["\n".join(filter(None, map(ready, sentences))) for sentences in several]
        odds = calm * np.array([DENIAL_ODDS if is_denial(text) else 1.0 for text in whole])
        return cls(whole, [after_contrast(text) or "" for text in whole], odds)

    def parts(self, chosen: npt.NDArray[np.bool_] | None = None) -> list[str]:
        """The texts and tails of those that are chosen; an empty text only where all are."""
        pairs = zip(self.texts, self.tails, strict=True)
        if chosen is None:
            return [part for text, tail in pairs for part in ([text, tail] if tail else [text])]
        return [part for pair, is_chosen in zip(pairs, chosen, strict=True) if is_chosen for part in pair if part]

    def last(self, chosen: npt.NDArray[np.bool_]) -> list[str]:
        """The tails of those that are chosen, and the texts of those that have none; no empty text."""
        each = zip(self.texts, self.tails, chosen, strict=True)
        return [tail or text for text, tail, is_chosen in each if is_chosen and text]

    def rows(self, found: Mapping[str, Probabilities]) -> Probabilities:
        """One row a text: the text's own row mixed with its tail's, then `none` made likelier."""
        rows = np.zeros((len(self.texts), len(LABELS)))
        for index, (text, tail) in enumerate(zip(self.texts, self.tails, strict=True)):
            rows[index] = (1 - TAIL_WEIGHT) * found[text] + TAIL_WEIGHT * found[tail] if tail else found[text]
        return with_none_odds(rows, self.odds)


def heard_within(rows: Probabilities, wide: Probabilities, inside: npt.NDArray[np.int_]) -> Probabilities:
    """Rows of texts with the say of what they stand in: a weighted geometric mean. `inside` -1: in nothing.

    A row that is sure of an objection stays where the mean would be `none`.
    """
    if not len(wide):
        return rows
    is_inside = inside >= 0
    logs = (1 - WHOLE_SAY) * np.log(np.maximum(rows, 1e-9)) + WHOLE_SAY * np.log(np.maximum(wide[inside], 1e-9))
    mixed = softmax(logs, 1.0)
    none = LABELS.index(NONE)
    stays = (rows.argmax(axis=1) != none) & (rows.max(axis=1) >= KEPT) & (mixed.argmax(axis=1) == none)
    return np.where((is_inside & ~stays)[:, None], mixed, rows)


def with_none_odds(rows: Probabilities, odds: float | npt.NDArray[np.float64]) -> Probabilities:
    """The rows with `none` made `odds` times likelier beside the rest."""
    weighted = rows.copy()
    weighted[:, LABELS.index(NONE)] *= odds
    return np.asarray(weighted / weighted.sum(axis=1, keepdims=True))


def softmax(logits: Probabilities, temperature: float) -> Probabilities:
    """Rows summing to 1, sharper the lower the temperature."""
    scaled = logits / temperature
    scaled = np.exp(scaled - scaled.max(axis=1, keepdims=True))
    return np.asarray(scaled / scaled.sum(axis=1, keepdims=True))
