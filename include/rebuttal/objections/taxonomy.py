"""What people hesitate about: families, categories and themes, read from the configuration's `taxonomy.yml`."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import yaml

from rebuttal.configuration import parse_yaml
from rebuttal.errors import ConfigError

NONE = "none"
GENERAL = "general"
LANGUAGES = ("en", "ru", "uk")

# The classifier is trained on these: a company may rename, re-theme and re-order them, but not add or drop one.
CODES = (
    "price",
    "value_roi",
    "terms",
    "no_need",
    "timing",
    "authority",
    "no_decision",
    "competitor",
    "switching",
    "missing_feature",
    "integration",
    "implementation",
    "trust",
    "risk_security",
    "service",
    "availability",
)
LABELS = (*CODES, NONE)


@dataclass(frozen=True)
class Theme:
    """A sub-reason; `words` are lower-case beginnings of words or phrases, `examples` whole sentences, that tell it."""

    code: str
    name: Mapping[str, str]
    words: tuple[str, ...]
    examples: tuple[str, ...] = ()

    @cached_property
    def pattern(self) -> re.Pattern[str]:
        """Matches where one of the words begins."""
        return re.compile(r"(?<!\w)(?:" + "|".join(re.escape(word) for word in self.words) + ")")


@dataclass(frozen=True)
class Category:
    """One objection category. Texts for people are by language code (en, ru, uk)."""

    code: str
    family: str
    name: Mapping[str, str]
    definition: Mapping[str, str]
    stages: tuple[str, ...]
    formats: Mapping[str, tuple[str, ...]]
    themes: tuple[Theme, ...]

    def theme_of(self, sentence: str) -> str:
        """The code of the theme most of whose words are in `sentence`, the earlier one when equal; else `general`."""
        text = sentence.lower()
        best, best_count = GENERAL, 0
        for theme in self.themes:
            count = len(theme.pattern.findall(text))
            if count > best_count:
                best, best_count = theme.code, count
        return best


@dataclass(frozen=True)
class Taxonomy:
    """All categories by code, and the families' names by code and language."""

    version: int
    families: Mapping[str, Mapping[str, str]]
    categories: Mapping[str, Category]
    none_definition: Mapping[str, str]

    def definitions(self) -> list[tuple[str, str, str]]:
        """(label, language, text) of every category's and `none`'s name and definition: extra training examples."""
        rows = [
            (category.code, language, f"{category.name[language]}. {category.definition[language]}")
            for category in self.categories.values()
            for language in LANGUAGES
        ]
        return rows + [(NONE, language, self.none_definition[language]) for language in LANGUAGES]


def load_taxonomy(config: Path) -> Taxonomy:
    """Read `<config>/taxonomy.yml`. Raises ConfigError naming the key (and the nearest valid word) when it is wrong."""
    path = config / "taxonomy.yml"
    try:
        data = parse_yaml(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {error.strerror}", next_step="Restore the file") from None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f":{mark.line + 1}" if mark else ""
        raise ConfigError(f"{path}{where} is not valid YAML", next_step="Check indentation and quotes") from None
    reader = _Reader(path)
    reader.known(data, "the file", ("version", "families", "categories", "none"))
    families = {code: reader.words(name, f"families.{code}") for code, name in reader.mapping(data, "families").items()}
    categories: dict[str, Category] = {}
    for item in reader.sequence(data, "categories"):
        category = _category(reader, item, families)
        if category.code in categories:
            raise ConfigError(f"{path}: category {category.code} stands twice", next_step="Remove one of the two")
        categories[category.code] = category
    missing = [code for code in CODES if code not in categories]
    if missing:
        raise ConfigError(f"{path}: categories are missing: {', '.join(missing)}", next_step="Put them back")
    none = reader.mapping(data, "none")
    return Taxonomy(int(data["version"]), families, categories, reader.words(none.get("definition"), "none.definition"))


def _category(reader: _Reader, item: Any, families: Mapping[str, Any]) -> Category:
    reader.known(item, "a category", ("code", "family", "name", "definition", "stages", "formats", "themes"))
    code = str(item.get("code", ""))
    reader.one_of(code, "categories.code", CODES)
    reader.one_of(str(item.get("family", "")), f"{code}.family", tuple(families))
    formats = {
        language: tuple(str(one) for one in reader.sequence(reader.mapping(item, "formats"), language))
        for language in LANGUAGES
    }
    themes = []
    for theme in reader.sequence(item, "themes"):
        reader.known(theme, f"a theme of {code}", ("code", "name", "words", "examples"))
        words = tuple(str(word).lower() for word in reader.sequence(theme, "words"))
        name = reader.words(theme.get("name"), f"{code}.themes.name")
        themes.append(Theme(str(theme["code"]), name, words, reader.examples(theme)))
    return Category(
        code=code,
        family=str(item["family"]),
        name=reader.words(item.get("name"), f"{code}.name"),
        definition=reader.words(item.get("definition"), f"{code}.definition"),
        stages=tuple(str(stage) for stage in reader.sequence(item, "stages")),
        formats=formats,
        themes=tuple(themes),
    )


@dataclass(frozen=True)
class _Reader:
    """Checks while reading, so that a mistake is told by file and key."""

    path: Path

    def mapping(self, data: Any, key: str) -> Mapping[str, Any]:
        value = data.get(key) if isinstance(data, Mapping) else None
        if not isinstance(value, Mapping) or not value:
            raise ConfigError(f"{self.path}: {key} must be a mapping", next_step="Compare with the file as shipped")
        return value

    def sequence(self, data: Any, key: str) -> Sequence[Any]:
        value = data.get(key) if isinstance(data, Mapping) else None
        if not isinstance(value, list) or not value:
            raise ConfigError(f"{self.path}: {key} must be a list with entries", next_step="Add at least one entry")
        return value

    def examples(self, theme: Mapping[str, Any]) -> tuple[str, ...]:
        if "examples" not in theme:
            return ()
        by_language = self.mapping(theme, "examples")
        for language in by_language:
            self.one_of(str(language), "examples", LANGUAGES)
        return tuple(str(one) for language in by_language for one in self.sequence(by_language, language))

    def words(self, data: Any, key: str) -> Mapping[str, str]:
        if not isinstance(data, Mapping) or any(not isinstance(data.get(language), str) for language in LANGUAGES):
            raise ConfigError(f"{self.path}: {key} needs a text for en, ru and uk", next_step="Add what is missing")
        return {language: data[language] for language in LANGUAGES}

    def known(self, data: Any, where: str, keys: tuple[str, ...]) -> None:
        if not isinstance(data, Mapping):
            raise ConfigError(f"{self.path}: {where} must be a mapping", next_step="Compare with the file as shipped")
        for key in data:
            self.one_of(str(key), f"a key of {where}", keys)

    def one_of(self, word: str, where: str, valid: tuple[str, ...]) -> None:
        if word not in valid:
            near = difflib.get_close_matches(word, valid, 1)
            raise ConfigError(
                f"{self.path}: {word!r} is not valid for {where}",
                next_step=f"Did you mean {near[0]!r}?" if near else f"Use one of {', '.join(valid)}",
            )
