"""Slips of the keyboard, mended by the words of the training texts: neither n-grams nor embeddings see through them.

Only what slips do is undone: two letters swapped, a letter doubled, a letter left out. A letter that stands for
another one is left alone, for a different ending looks the same. What is mended depends on the word alone.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

_WORD = re.compile(r"[^\W\d_]+(?:'[^\W\d_]+)?")
_LATIN = "abcdefghijklmnopqrstuvwxyz"
_CYRILLIC = "абвгґдеёєжзиіїйклмнопрстуфхцчшщъыьэюя"
_SHORTEST, _SHORTEST_WITH_GAP, _LONGEST = 4, 5, 25  # letters of a word that may be mended
_OFTEN = 2  # a letter is only put in to make a word that the training texts have more than once
_REMEMBERED = 50_000  # words


@dataclass(frozen=True)
class Spelling:
    """How often the training texts have each word. `mended` gives the likeliest word that was meant."""

    counts: Mapping[str, int]
    _known: dict[str, str] = field(default_factory=dict, compare=False, repr=False)

    @classmethod
    def of(cls, texts: Sequence[str]) -> Spelling:
        """Learn the words of prepared texts; these texts themselves are never changed."""
        return cls(Counter(word for text in texts for word in _WORD.findall(text)))

    def mended(self, text: str) -> str:
        """The prepared text with its slips undone; a word that none of the known ones is near to stays."""
        if self.counts.keys() >= set(_WORD.findall(text)):
            return text  # most texts, and several times as quick as looking at each word in turn
        return _WORD.sub(lambda match: self._word(match[0]), text)

    def arrays(self) -> dict[str, npt.NDArray[Any]]:
        """What `from_arrays` needs."""
        words = "\n".join(self.counts)
        return {
            "spelling_words": np.frombuffer(words.encode("utf-8"), dtype=np.uint8),
            "spelling_counts": np.array(list(self.counts.values()), dtype=np.int32),
        }

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, npt.NDArray[Any]]) -> Spelling:
        """The inverse of `arrays`."""
        words = arrays["spelling_words"].tobytes().decode("utf-8").split("\n")
        return cls(dict(zip(words, arrays["spelling_counts"].tolist(), strict=True)))

    def _word(self, word: str) -> str:
        if word in self.counts or not _SHORTEST <= len(word) <= _LONGEST or "'" in word:
            return word
        if word not in self._known:
            if len(self._known) >= _REMEMBERED:
                self._known.clear()
            self._known[word] = self._meant(word)
        return self._known[word]

    def _meant(self, word: str) -> str:
        near = {one for one in (*_unswapped(word), *_undoubled(word)) if one in self.counts}
        if not near and len(word) >= _SHORTEST_WITH_GAP:
            near = {one for one in _filled(word) if self.counts.get(one, 0) >= _OFTEN}
        return max(near, key=lambda one: (self.counts[one], one), default=word)


def _unswapped(word: str) -> Iterator[str]:
    return (word[:at] + word[at + 1] + word[at] + word[at + 2 :] for at in range(len(word) - 1))


def _undoubled(word: str) -> Iterator[str]:
    return (word[:at] + word[at + 1 :] for at in range(len(word) - 1) if word[at] == word[at + 1])


def _filled(word: str) -> Iterator[str]:
    """With a letter put in, but not at the end: there it would be an ending."""
    letters = _LATIN if word.isascii() else _CYRILLIC
    return (word[:at] + letter + word[at:] for at in range(len(word)) for letter in letters)
