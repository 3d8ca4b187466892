"""What hurried fingers do to a sentence."""

from __future__ import annotations

import numpy as np

TYPO_RATE = 0.18
LOWER_RATE = 0.35
BARE_RATE = 0.3


def roughen(rng: np.random.Generator, sentence: str) -> str:
    """The sentence as typed: perhaps a slip, no capital, no full stop. Never empty, never reordered."""
    if rng.random() < TYPO_RATE:
        sentence = _slip(rng, sentence)
    sentence = sentence if rng.random() < LOWER_RATE else sentence[:1].upper() + sentence[1:]
    if sentence[-1:] not in ".!?…:" and rng.random() >= BARE_RATE:
        sentence += "."
    return sentence


def _slip(rng: np.random.Generator, sentence: str) -> str:
    letters = [i for i in range(1, len(sentence) - 1) if sentence[i].isalpha() and sentence[i + 1].isalpha()]
    if not letters:
        return sentence
    at = letters[int(rng.integers(len(letters)))]
    kind = rng.random()
    if kind < 0.4:  # two letters swapped
        return sentence[:at] + sentence[at + 1] + sentence[at] + sentence[at + 2 :]
    if kind < 0.7:  # one left out
        return sentence[:at] + sentence[at + 1 :]
    return sentence[:at] + sentence[at] + sentence[at:]  # one twice
