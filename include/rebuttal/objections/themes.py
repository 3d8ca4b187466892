"""Themes inside a category: what the same content would answer. Pure; the order in which evidence arrives is no input.

A sentence's theme is found in this order, and the first answer holds:

1. by words: the configured theme most of whose words it has;
2. by meaning, a theme that was found in earlier sentences, when it is nearer to it than to any configured theme;
3. by meaning, the likeliest configured theme, given how often each theme of the category is heard (the frequencies are
   estimated with it: Saerens, Latinne and Decaestecker, Neural Computation 14(1), 2002); it is remembered from then on;
4. `general`.

After that comes what people decided: merges are followed, refused themes are `general`, splits go by their words.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import numpy as np

from rebuttal.objections.embedding import Matrix
from rebuttal.objections.taxonomy import GENERAL, Taxonomy
from rebuttal.objections.themes_model import Packed, ThemeModel

ACTIVE, PROPOSED, MERGED, REJECTED = "active", "proposed", "merged_into", "rejected"
RULE, PERSON, CONFIG = "rule", "person", "config"

SURE = 0.4  # probability of the likeliest configured theme below which a sentence stays general
LEAST_SUBJECTS, LEAST_QUOTES = 8, 3  # deals or people, and different sentences, that make a new theme
ALIKE = 0.35  # cosine from which two sentences are neighbours
CORE = 0.40  # cosine to the neighbours' mean from which a sentence shapes the new theme
REACH = 0.30  # cosine to a found theme's centre from which a sentence may belong to it
NOVEL = 0.30  # a group whose centre is this like a known theme's centre is no new theme
WINDOW = timedelta(weeks=26)  # how far back from the newest evidence new themes are looked for
LARGEST_POOL = 3000  # sentences of a category that are compared with each other, the newest
_PRIOR_WEIGHT = 2.0  # sentences' worth of "all themes are alike frequent"
_ROUNDS = 40


@dataclass(frozen=True)
class Said:
    """One distinct sentence of a category, redacted, and who said it."""

    category: str
    text: str
    subjects: frozenset[str]
    last_at: datetime | None
    language: str

    @property
    def key(self) -> tuple[str, str]:
        """Category and hash of the sentence."""
        return self.category, quote_hash(self.text)


@dataclass(frozen=True)
class Known:
    """A theme that the state store knows: found by the rule, made by a person, or configured and decided about."""

    category: str
    code: str
    origin: str
    status: str
    names: Mapping[str, str] = field(default_factory=dict)
    merged_into: str | None = None
    split_from: str | None = None
    words: tuple[str, ...] = ()
    centre: tuple[float, ...] | None = None
    position: int = 0


@dataclass(frozen=True)
class Remembered:
    """What a version found for a sentence without words: its configured theme, and where it stands."""

    theme: str
    packed: bytes


@dataclass(frozen=True)
class Grouping:
    """The theme of each sentence, what is to be remembered, the new themes, and how many sentences were embedded."""

    themes: Mapping[tuple[str, str], str]
    remembered: Mapping[tuple[str, str], Remembered]
    proposals: tuple[Known, ...]
    embedded_count: int


def quote_hash(text: str) -> str:
    """The key of a redacted sentence."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:24]


def group(
    said: Iterable[Said],
    taxonomy: Taxonomy,
    model: ThemeModel | None,
    known: Sequence[Known],
    remembered: Mapping[tuple[str, str], Remembered],
) -> Grouping:
    """The theme of every sentence. `remembered` is of this model's version; without a model only words count."""
    by_category: dict[str, list[Said]] = {}
    for one in sorted(said, key=lambda one: one.key):
        by_category.setdefault(one.category, []).append(one)
    themes: dict[tuple[str, str], str] = {}
    kept: dict[tuple[str, str], Remembered] = {}
    proposals: list[Known] = []
    embedded = 0
    for category, sentences in sorted(by_category.items()):
        by_words = {one.key: taxonomy.categories[category].theme_of(one.text) for one in sentences}
        themes |= by_words
        unworded = [one for one in sentences if by_words[one.key] == GENERAL]
        own = sorted((one for one in known if one.category == category), key=lambda one: (one.position, one.code))
        if model is not None and unworded and category in model.classes:
            new = [one for one in unworded if one.key not in remembered]
            embedded += len(new)
            counts = [by_words[one.key] for one in sentences if by_words[one.key] != GENERAL]
            counts += [remembered[one.key].theme for one in unworded if one.key in remembered]
            kept |= {one.key: remembered[one.key] for one in unworded if one.key in remembered}
            kept |= _placed(model, category, new, counts)
            found = _Places(model, category, unworded, kept)
            new_themes = found.emerging(own)
            proposals += new_themes
            own += new_themes
            themes |= {one.key: kept[one.key].theme for one in unworded}
            themes |= found.reached([one for one in own if one.centre is not None])
        decided = Decided(own)
        for one in sentences:
            themes[one.key] = decided.theme_of(themes[one.key], one.text)
    return Grouping(themes, kept, tuple(proposals), embedded)


class Decided:
    """What people decided about the themes of one category."""

    def __init__(self, known: Iterable[Known]) -> None:
        self._by_code = {one.code: one for one in known}
        self._parts: dict[str, list[tuple[re.Pattern[str], str]]] = {}
        for one in sorted(self._by_code.values(), key=lambda one: (one.position, one.code)):
            if one.split_from is not None and one.words:
                pattern = re.compile(r"(?<!\w)(?:" + "|".join(re.escape(word) for word in one.words) + ")")
                self._parts.setdefault(one.split_from, []).append((pattern, one.code))

    def theme_of(self, theme: str, text: str) -> str:
        """Where a sentence of `theme` belongs after splits, merges and refusals."""
        seen: set[str] = set()
        while theme not in seen:
            seen.add(theme)
            theme = self._step(theme, text.lower())
        return theme

    def _step(self, theme: str, text: str) -> str:
        counts = [(len(pattern.findall(text)), code) for pattern, code in self._parts.get(theme, ())]
        best = max((count for count, _ in counts), default=0)
        if best:
            return next(code for count, code in counts if count == best)
        here = self._by_code.get(theme)
        if here is not None and here.status == MERGED and here.merged_into is not None:
            return here.merged_into
        return GENERAL if here is not None and here.status == REJECTED else theme


def _placed(
    model: ThemeModel, category: str, new: Sequence[Said], counted: Sequence[str]
) -> dict[tuple[str, str], Remembered]:
    """The likeliest configured theme of each new sentence, and the frequencies estimated with it."""
    if not new:
        return {}
    rows = model.packed([one.text for one in new])
    likely = model.likelihoods(category, rows)
    codes = model.classes[category].codes
    told = np.array([sum(theme == code for theme in counted) for code in codes], dtype=np.float64) + _PRIOR_WEIGHT
    shares = told / told.sum()
    for _ in range(_ROUNDS):
        posterior = likely * shares
        posterior /= posterior.sum(axis=1, keepdims=True)
        shares = told + posterior.sum(axis=0)
        shares /= shares.sum()
    found: dict[tuple[str, str], Remembered] = {}
    for one, row, packed in zip(new, np.round(posterior, 4), rows, strict=True):
        theme = codes[int(row.argmax())] if row.max() >= SURE else GENERAL
        found[one.key] = Remembered(theme, packed.tobytes())
    return found


class _Places:
    """Where the sentences without words of one category stand."""

    def __init__(
        self,
        model: ThemeModel,
        category: str,
        unworded: Sequence[Said],
        kept: Mapping[tuple[str, str], Remembered],
    ) -> None:
        self.said = list(unworded)
        rows: Packed = np.vstack([np.frombuffer(kept[one.key].packed, dtype=np.int8) for one in self.said])
        self.rows = model.placed(rows)
        self.centres = model.classes[category].centres
        self.nearest = np.round((self.rows @ self.centres.T).max(axis=1), 4)

    def reached(self, found: Sequence[Known]) -> dict[tuple[str, str], str]:
        """Of the sentences that belong to a found theme: the first of these, in the order in which they were found."""
        places: dict[tuple[str, str], str] = {}
        for theme in found:
            for index in np.flatnonzero(self._is_reached(_centre(theme))):
                places.setdefault(self.said[index].key, theme.code)
        return places

    def emerging(self, known: Sequence[Known]) -> list[Known]:
        """New themes: dense groups of recent sentences that no known theme explains, the largest first.

        After each one the rest is looked at anew, until there is none: a second look at the same finds nothing.
        """
        pool = self._recent()
        centres = [_centre(one) for one in known if one.centre is not None]
        position = max((one.position for one in known), default=0)
        found: list[Known] = []
        while True:
            taken = np.zeros(len(self.said), dtype=bool)
            for centre in centres:
                taken |= self._is_reached(centre)
            members = self._group([index for index in pool if not taken[index]], centres)
            if members is None:
                return found
            position += 1
            theme = self._theme(members, position)
            found.append(theme)
            centres.append(_centre(theme))

    def _is_reached(self, centre: Matrix) -> np.typing.NDArray[np.bool_]:
        like = np.round(self.rows @ centre, 4)
        return np.asarray((like >= REACH) & (like > self.nearest))

    def _recent(self) -> list[int]:
        times = [one.last_at for one in self.said if one.last_at is not None]
        since = max(times) - WINDOW if times else None
        pool = [i for i, one in enumerate(self.said) if since is None or one.last_at is None or one.last_at >= since]
        stamp = [one.last_at.timestamp() if one.last_at else 0.0 for one in self.said]
        return sorted(sorted(pool, key=lambda i: (-stamp[i], i))[:LARGEST_POOL])

    def _group(self, pool: list[int], centres: Sequence[Matrix]) -> list[int] | None:
        if len(pool) < LEAST_QUOTES:
            return None
        rows = self.rows[pool]
        near = np.round(rows @ rows.T, 4) >= ALIKE
        voices = np.array([len(self.said[index].subjects) for index in pool])
        weight = near @ voices
        known = np.vstack([self.centres, *[centre[None] for centre in centres]])
        while True:
            seed = int(weight.argmax())
            if weight[seed] < LEAST_SUBJECTS:
                return None
            core = _unit(rows[near[seed]].mean(axis=0))
            members = np.flatnonzero(np.round(rows @ core, 4) >= CORE)
            if len(members) >= LEAST_QUOTES:
                centre = _unit(rows[members].mean(axis=0))
                reached = self._is_reached(centre)
                kernel = [pool[index] for index in members if reached[pool[index]]]
                subjects = frozenset[str]().union(*(self.said[index].subjects for index in kernel))
                is_enough = len(subjects) >= LEAST_SUBJECTS and len(kernel) >= LEAST_QUOTES
                if is_enough and float((known @ centre).max()) < NOVEL:
                    return [pool[index] for index in members]
            weight[near[seed]] = 0

    def _theme(self, members: Sequence[int], position: int) -> Known:
        centre = _unit(self.rows[list(members)].mean(axis=0))
        typical = sorted(members, key=lambda i: (-round(float(self.rows[i] @ centre), 4), self.said[i].key))
        first = self.said[typical[0]]
        names = {"": first.text}
        for index in typical:
            names.setdefault(self.said[index].language, self.said[index].text)
        return Known(
            category=first.category,
            code=f"new_{first.key[1][:8]}",
            origin=RULE,
            status=PROPOSED,
            names=names,
            centre=tuple(round(float(number), 5) for number in centre),
            position=position,
        )


def _centre(theme: Known) -> Matrix:
    assert theme.centre is not None
    return np.array(theme.centre, dtype=np.float32)


def _unit(row: Matrix) -> Matrix:
    return np.asarray(row / max(float(np.linalg.norm(row)), 1e-9), dtype=np.float32)
