"""Rendering the audits' `.sql` files: names and thresholds are declared in code or `audits.yml`, never a row's data."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from rebuttal.quality.audits.limits import AuditLimits

_FILES = Environment(  # the files are SQL: nothing to escape
    loader=FileSystemLoader(Path(__file__).parent / "sql"),
    undefined=StrictUndefined,
    autoescape=False,
)


def render(file: str, limits: AuditLimits, **names: Any) -> str:
    """The query of `sql/<file>.sql` with the limits and `names` put in."""
    return _FILES.get_template(f"{file}.sql").render(**limits.model_dump(), **names).strip()


def rows_of(entity: str, at: str, limits: AuditLimits) -> str:
    """SQL that counts the rows of `entity` in the window that audits look at."""
    newest = f"(select max({at}) from core.{entity})"
    return f"select count(*) from core.{entity} where {at} >= {newest} - interval '{limits.days} days'"
