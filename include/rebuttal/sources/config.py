"""`sources.yml`: which sources are pulled, over which connection, how far back, and how patiently.

Errors name the file, the key, and the nearest valid word.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from rebuttal.errors import ConfigError

FILE = "sources.yml"


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Limits(_Strict):
    """Patience and bounds for each source. Seconds and bytes; pages are counted per slice of a window."""

    connect_seconds: float = Field(default=10, gt=0)
    read_seconds: float = Field(default=60, gt=0)
    total_seconds: float = Field(default=900, gt=0)  # for one whole answer
    attempts: int = Field(default=5, ge=1, le=50)
    backoff_seconds: float = Field(default=1, gt=0)
    backoff_cap_seconds: float = Field(default=30, gt=0)
    wait_budget_seconds: float = Field(default=300, ge=0)  # all waiting for one vendor in one run
    prepare_seconds: float = Field(default=900, gt=0)  # for a report that the vendor prepares
    max_pages: int = Field(default=10_000, ge=1)
    max_page_bytes: int = Field(default=64 * 1024**2, ge=1024)  # of JSON, unpacked
    max_file_bytes: int = Field(default=4 * 1024**3, ge=1024)  # of a table that is streamed, unpacked


class SourceConfig(_Strict):
    """One source. `options` are checked against those that the source declares."""

    enabled: bool = True
    connection: str | None = None  # default: the source's own name
    history_days: int | None = Field(default=None, ge=1, le=3650)
    options: dict[str, Any] = Field(default_factory=dict)


class SourcesConfig(_Strict):
    """The whole file."""

    history_days: int = Field(default=90, ge=1, le=3650)
    phone_regions: list[Annotated[str, Field(pattern="^[A-Z]{2}$")]] = []
    limits: Limits = Limits()
    sources: dict[str, SourceConfig]


@dataclass(frozen=True)
class Declared:
    """What the code offers, to check the file against: source name -> option name -> default."""

    options: Mapping[str, Mapping[str, Any]]


def read_config(folder: Path, declared: Declared) -> SourcesConfig:
    """Read and check `sources.yml` in `folder`; options come back with their defaults filled in. Raises ConfigError."""
    path = folder / FILE
    try:
        data = yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ConfigError(f"{path} does not exist", next_step="Copy it from include/config") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        line = getattr(getattr(error, "problem_mark", None), "line", None)
        place = "" if line is None else f":{line + 1}"
        raise ConfigError(f"{path}{place} is not valid YAML", next_step="Mend the line; indent with spaces") from None
    if not isinstance(data, dict):
        raise ConfigError(
            f"{path} must be a mapping with the key 'sources'", next_step="See include/config/sources.yml"
        )
    try:
        config = SourcesConfig.model_validate(data)
    except ValidationError as error:
        raise _explained(path, error) from None
    return config.model_copy(
        update={"sources": {name: _checked(path, name, part, declared) for name, part in config.sources.items()}}
    )


def nearest(word: str, words: Iterable[str]) -> str:
    """`Did you mean ...` or the list of valid words, as a next step."""
    known = sorted(words)
    close = get_close_matches(word.lower(), known, n=1, cutoff=0.5)
    return f"Did you mean {close[0]!r}? Known: {', '.join(known)}" if close else f"Known: {', '.join(known)}"


def _checked(path: Path, name: str, part: SourceConfig, declared: Declared) -> SourceConfig:
    if name not in declared.options:
        raise ConfigError(f"{path}: sources.{name} is not a source", next_step=nearest(name, declared.options))
    defaults = declared.options[name]
    for option, value in part.options.items():
        key = f"sources.{name}.options.{option}"
        if option not in defaults:
            raise ConfigError(f"{path}: {key} is not an option", next_step=nearest(option, defaults))
        kind = type(defaults[option])
        if not isinstance(value, kind) or (kind is dict and not all(isinstance(word, str) for word in value.values())):
            raise ConfigError(f"{path}: {key} must be {_KINDS[kind]}", next_step="See the comments in the file")
    return part.model_copy(update={"options": {**defaults, **part.options}})


_KINDS = {str: "a text in quotes", int: "a number", dict: "a mapping of words to words", bool: "true or false"}


def _explained(path: Path, error: ValidationError) -> ConfigError:
    first = error.errors()[0]
    place = [str(part) for part in first["loc"]]
    key = ".".join(place)
    if first["type"] == "extra_forbidden":
        model: type[BaseModel] = SourcesConfig
        if place[0] == "limits":
            model = Limits
        elif place[0] == "sources" and len(place) > 2:
            model = SourceConfig
        return ConfigError(f"{path}: {key} is not a key", next_step=nearest(place[-1], model.model_fields))
    return ConfigError(f"{path}: {key}: {first['msg']}", next_step="See the comments in the file")
