"""Configuration files as typed records: a mistake is told by file, key and nearest valid word, before anything runs."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from pathlib import Path
from types import UnionType
from typing import Any, Literal, TypeVar, get_args, get_origin

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator
from pydantic_core import ErrorDetails

from rebuttal.errors import ConfigError

Model = TypeVar("Model", bound=BaseModel)

# The same safe loader in C where libyaml is there: a taxonomy takes a tenth of the time.
_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class Section(BaseModel):
    """A part of a configuration file: unknown keys are refused, values are fixed once read."""

    model_config = ConfigDict(extra="forbid", frozen=True)


def parse_yaml(text: str) -> Any:
    """`text` as plain data: no tags, no objects. Raises yaml.YAMLError."""
    return yaml.load(text, Loader=_LOADER)


def read_yaml(path: Path, model: type[Model]) -> Model:
    """Read `path` as `model`. Raises ConfigError naming the file, the key and what is wrong with it."""
    try:
        data = parse_yaml(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {error.strerror}", next_step="Restore the file") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        mark = getattr(error, "problem_mark", None)
        where = f":{mark.line + 1}" if mark else ""
        raise ConfigError(
            f"{path}{where} is not valid YAML in UTF-8", next_step="Check indentation and quotes"
        ) from None
    try:
        return model.model_validate(data if data is not None else {})
    except ValidationError as error:
        problems = error.errors(include_input=False, include_url=False)
        more = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
        message, next_step = _explain(model, problems[0])
        raise ConfigError(f"{path}: {message}{more}", next_step=next_step) from None


def _explain(model: type[BaseModel], problem: ErrorDetails) -> tuple[str, str]:
    key = ".".join(str(part) for part in problem["loc"]) or "the file"
    if problem["type"] != "extra_forbidden":
        return f"{key}: {problem['msg']}", "Correct the value"
    valid = _keys_at(model, problem["loc"][:-1])
    near = difflib.get_close_matches(str(problem["loc"][-1]), valid, 1)
    hint = f"Did you mean {near[0]!r}?" if near else f"Use one of {', '.join(valid)}"
    return f"{key} is not a known key", hint


def _keys_at(model: type[BaseModel], path: tuple[int | str, ...]) -> list[str]:
    here: Any = model
    for part in path:
        # Places in a list and names in a mapping are no fields: the record they hold is already here.
        if isinstance(here, type) and issubclass(here, BaseModel) and str(part) in here.model_fields:
            here = _inner(here.model_fields[str(part)].annotation)
    return list(here.model_fields) if isinstance(here, type) and issubclass(here, BaseModel) else []


def _inner(annotation: Any) -> Any:
    """What a list, mapping or optional holds: the last argument that is a record."""
    if get_origin(annotation) in (list, tuple, dict, UnionType):
        for argument in reversed(get_args(annotation)):
            found = _inner(argument)
            if isinstance(found, type) and issubclass(found, BaseModel):
                return found
    return annotation


class _Words(BaseModel):
    en: str
    ru: str
    uk: str


class _Theme(BaseModel):
    code: str
    name: _Words


class _Category(BaseModel):
    code: str
    family: str = ""
    name: _Words
    stages: list[str] = []
    formats: dict[str, list[str]] = {}
    themes: list[_Theme] = []


class Vocabulary(BaseModel):
    """The names of objection categories and themes from `taxonomy.yml`, as far as people read them."""

    categories: list[_Category]
    names: dict[tuple[str, str], dict[str, str]] = {}

    def renamed(self, names: Mapping[tuple[str, str], dict[str, str]]) -> Vocabulary:
        """The same with names of themes, by (category, theme) and language, that go before the configured ones."""
        return self.model_copy(update={"names": dict(names)})

    def category_name(self, code: str, language: str = "en") -> str:
        """What people call a category; its code when the configuration does not name it."""
        for category in self.categories:
            if category.code == code:
                return str(getattr(category.name, language, category.name.en))
        return code

    def theme_name(self, category: str, theme: str, language: str = "en") -> str:
        """What people call a theme inside its category; empty for the general theme of a category."""
        if name := self.names.get((category, theme), {}).get(language):
            return name
        for found in self.categories:
            for candidate in found.themes if found.code == category else []:
                if candidate.code == theme:
                    return str(getattr(candidate.name, language, candidate.name.en))
        return "" if theme in ("", "general", category) else theme.replace("_", " ")

    def formats(self, code: str, language: str = "en") -> list[str]:
        """What kinds of content usually answer a category; empty when the configuration does not say."""
        for category in self.categories:
            if category.code == code:
                return list(category.formats.get(language) or category.formats.get("en") or [])
        return []


def load_vocabulary(config: Path) -> Vocabulary:
    """The vocabulary of `<config>/taxonomy.yml`. Raises ConfigError when it cannot be read."""
    return read_yaml(config / "taxonomy.yml", Vocabulary)


def folded(value: str) -> str:
    """A word of a list without differences of case and spaces."""
    return " ".join(value.split()).casefold()


class CrmField(Section):
    """One CRM's lost reasons: whether they come from a list only, and what they mean (by folded value)."""

    field: Literal["drop_down", "free_text"]
    values: dict[str, str] = Field(default_factory=dict)

    @field_validator("values")
    @classmethod
    def _folded(cls, values: dict[str, str]) -> dict[str, str]:
        found: dict[str, str] = {}
        for value, meaning in values.items():
            if found.setdefault(folded(value), meaning) != meaning:
                raise ValueError(f"{value!r} stands twice with different meanings")
        return found


class LostReasons(Section):
    """What the values of each CRM's "lost reason" mean: a category, `none` or `unclear`. From `lost_reasons.yml`."""

    repeated: int = Field(default=10, ge=2)
    sources: dict[str, CrmField] = Field(default_factory=dict)

    def meaning(self, source: str, value: str) -> str | None:
        """What the value means in this CRM; None when nobody said."""
        field = self.sources.get(source)
        return field.values.get(folded(value)) if field else None

    @property
    def lists(self) -> list[str]:
        """The CRMs that take their reasons from a list only."""
        return sorted(source for source, field in self.sources.items() if field.field == "drop_down")


def read_lost_reasons(config: Path) -> LostReasons:
    """Read `<config>/lost_reasons.yml`; without the file every lost reason is free text. Raises ConfigError."""
    path = config / "lost_reasons.yml"
    return read_yaml(path, LostReasons) if path.exists() else LostReasons()
