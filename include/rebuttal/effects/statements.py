"""The SQL of this stage by name."""

from __future__ import annotations

from importlib.resources import files


def statement(name: str) -> str:
    """The text of `queries/<name>.sql`."""
    return (files("rebuttal.effects") / "queries" / f"{name}.sql").read_text(encoding="utf-8")
