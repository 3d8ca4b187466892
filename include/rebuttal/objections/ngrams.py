"""The cheap stage: character and word n-grams with a linear model. Thousands of short texts a second, no pickle.

Russian and Ukrainian share many roots and write some sounds with different letters ("сервис", "сервіс"; "мы", "ми").
For the n-grams such letters are one: what was learnt in one language is heard in the other.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_matrix, hstack
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.preprocessing import normalize

from rebuttal.objections.wording import SIGN_NAMES, signs

Array = npt.NDArray[np.float32]

_NOTHING = np.zeros(0, dtype=np.int32)
_FOLDED = str.maketrans(
    {"і": "и", "ї": "и", "й": "и", "ы": "и", "є": "е", "э": "е", "ё": "е", "ґ": "г", "ъ": None, "ь": None, "'": None}
)
_CHARACTERS: Mapping[str, Any] = {
    "analyzer": "char_wb",
    "ngram_range": (2, 6),
    "min_df": 3,
    "sublinear_tf": True,
    "lowercase": False,
    "dtype": np.float32,
}
_WORDS: Mapping[str, Any] = {
    "analyzer": "word",
    "ngram_range": (1, 2),
    "token_pattern": r"(?u)[^\W_]+|[?!]",
    "min_df": 2,
    "sublinear_tf": True,
    "lowercase": False,
    "dtype": np.float32,
}
# By grouped cross-validation over the training texts.
CHARACTER_WEIGHT, WORD_WEIGHT, SIGN_WEIGHT = 1.4, 0.5, 0.3
_FEWEST_PIECES = 5
_WORDS_KEPT = 50_000  # whose n-grams are not cut anew, some 300 bytes each


@dataclass(frozen=True)
class Ngrams:
    """Two fitted vectorizers. `transform` gives one row a prepared text: character n-grams, words, signs of stance."""

    characters: TfidfVectorizer
    words: TfidfVectorizer

    @classmethod
    def fit(cls, texts: Sequence[str]) -> Ngrams:
        """Learn the vocabularies from prepared texts."""
        folded = _folded(texts)
        return cls(TfidfVectorizer(**_CHARACTERS).fit(folded), TfidfVectorizer(**_WORDS).fit(folded))

    def transform(self, texts: Sequence[str]) -> csr_matrix:
        """Sparse rows of features."""
        folded = _folded(texts)
        parts = [
            CHARACTER_WEIGHT * self._by_characters(folded),
            WORD_WEIGHT * self.words.transform(folded),
            csr_matrix(SIGN_WEIGHT * signs(list(texts))),
        ]
        return csr_matrix(hstack(parts, format="csr", dtype=np.float32))

    def stance(self, features: csr_matrix) -> Array:
        """The signs of stance that rows of features hold, as `signs` gives them for the texts."""
        return np.asarray(features[:, -len(SIGN_NAMES) :].toarray() / np.float32(SIGN_WEIGHT))

    def _by_characters(self, texts: Sequence[str]) -> csr_matrix:
        """What `characters.transform` gives, its n-grams looked up once a word: texts repeat their words."""
        words = [[self._of_word(word) for word in text.split()] for text in texts]
        places = np.concatenate([_NOTHING, *(one for several in words for one in several)])
        ends = np.cumsum([0, *(sum(map(len, several)) for several in words)])
        shape = len(texts), len(self.characters.vocabulary_)
        rows = csr_matrix((np.ones(len(places), dtype=np.float32), places, ends), shape=shape)
        rows.sum_duplicates()
        rows.data = (1 + np.log(rows.data)) * self.characters.idf_[rows.indices].astype(np.float32)
        return normalize(rows, copy=False)

    @cached_property
    def _of_word(self) -> Callable[[str], npt.NDArray[np.int32]]:
        cut, known = self.characters.build_analyzer(), self.characters.vocabulary_

        @lru_cache(maxsize=_WORDS_KEPT)
        def places(word: str) -> npt.NDArray[np.int32]:
            return np.array([known[piece] for piece in cut(word) if piece in known], dtype=np.int32)

        return places

    def familiarity(self, text: str) -> float:
        """Share of the prepared text's 4- and 5-letter pieces that the training texts have: near 0 for what is no
        language we know. 1 when the text is too short to tell."""
        pieces = set()
        for word in text.translate(_FOLDED).split():
            padded = f" {word} "
            pieces |= {padded[at : at + size] for size in (4, 5) for at in range(len(padded) - size + 1)}
        if len(pieces) < _FEWEST_PIECES:
            return 1.0
        known = self.characters.vocabulary_
        return len(pieces & known.keys()) / len(pieces)

    def arrays(self) -> dict[str, npt.NDArray[Any]]:
        """What `from_arrays` needs, as plain arrays."""
        out: dict[str, npt.NDArray[Any]] = {"signs": _packed(SIGN_NAMES)}
        for name, vectorizer in (("characters", self.characters), ("words", self.words)):
            out[f"{name}_terms"] = _packed(vectorizer.get_feature_names_out())
            out[f"{name}_idf"] = vectorizer.idf_.astype(np.float32)
        return out

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, npt.NDArray[Any]]) -> Ngrams:
        """The inverse of `arrays`."""
        return cls(
            _restored(_CHARACTERS, arrays["characters_terms"], arrays["characters_idf"]),
            _restored(_WORDS, arrays["words_terms"], arrays["words_idf"]),
        )


def _folded(texts: Sequence[str]) -> list[str]:
    return [text.translate(_FOLDED) for text in texts]


def _packed(terms: Sequence[str]) -> npt.NDArray[np.uint8]:
    # One block of bytes: a numpy array of strings would take the longest term's room for each.
    return np.frombuffer("\n".join(terms).encode("utf-8"), dtype=np.uint8)


def _restored(options: Mapping[str, Any], terms: npt.NDArray[Any], idf: npt.NDArray[Any]) -> TfidfVectorizer:
    vocabulary = {term: index for index, term in enumerate(terms.tobytes().decode("utf-8").split("\n"))}
    vectorizer = TfidfVectorizer(**{**options, "min_df": 1}, vocabulary=vocabulary)
    vectorizer.idf_ = idf
    return vectorizer
