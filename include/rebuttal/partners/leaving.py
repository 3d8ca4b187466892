"""What a partner takes along when it leaves, and where the configuration still names it."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path
from typing import Any

from pydantic import RootModel
from sqlalchemy import Connection, text

from rebuttal.configuration import read_yaml
from rebuttal.errors import ConfigError

# The files in which partners are named.
_FILES = ("sources.yml", "hooks.yml", "people.yml", "bi.yml")


class _Tree(RootModel[dict[str, Any]]):
    """Any of them."""


def export_bookings(connection: Connection, partner: str, path: Path) -> int:
    """Write the partner's bookings as core has them, one JSON object a line, whole or not at all: how many.

    Raises ConfigError when `path` is there and holds anything else.

    Times are ISO 8601 in UTC, amounts are text. Addresses of its customers are kept as keyed hashes only, which say
    nothing to anybody else: they are left out, and the partner's own booking system has them.
    """
    statement = files("rebuttal.partners").joinpath("statements", "bookings.sql").read_text(encoding="utf-8")
    rows = connection.execute(text(statement), {"partner": partner}).mappings()
    new, count = path.with_name(f"{path.name}.new"), 0
    with new.open("w", encoding="utf-8") as file:
        for row in rows:
            file.write(json.dumps(dict(row), ensure_ascii=False, default=_plain) + "\n")
            count += 1
        file.flush()
        os.fsync(file.fileno())
    if path.exists() and path.read_bytes() != new.read_bytes():
        new.unlink()
        raise ConfigError(f"{path} is there already and holds something else", next_step="Name a new file")
    new.replace(path)
    return count


def _plain(value: Any) -> str:
    return value.isoformat() if hasattr(value, "isoformat") else str(value)


def still_named(config: Path, partner: str) -> list[str]:
    """`file: key` of everything in the configuration that names the partner, the ids of its readers included."""
    return [
        f"{name}: {place}"
        for name in _FILES
        if (config / name).exists()
        for place in _places(read_yaml(config / name, _Tree).root, partner)
    ]


def _places(tree: Any, partner: str, path: str = "") -> Iterator[str]:
    if isinstance(tree, dict):
        for key, value in tree.items():
            yield from _places(value, partner, f"{path}.{key}" if path else str(key))
    elif isinstance(tree, list):
        for place, value in enumerate(tree):
            name = value.get("id", place) if isinstance(value, dict) else place
            yield from _places(value, partner, f"{path}[{name}]")
    elif str(tree) == partner:
        yield path
