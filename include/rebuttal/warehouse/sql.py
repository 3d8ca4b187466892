"""Running the package's `.sql` files: Jinja puts declared names and dialect phrases in, values are bound or quoted."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from sqlalchemy import Connection, CursorResult, text

# autoescape is for HTML; what is rendered here comes from declarations and from `dialects.quoted`.
_FILES = Environment(
    loader=FileSystemLoader(Path(__file__).parent / "statements"),
    undefined=StrictUndefined,
    autoescape=False,
)


def run_file(connection: Connection, file: str, bound: dict[str, Any] | None = None, **names: Any) -> CursorResult[Any]:
    """Run the statements of `statements/<file>` (separated by a semicolon at the end of a line); the last one's result.

    `bound` is given to those statements that name its keys.
    """
    result: CursorResult[Any] | None = None
    for statement in _FILES.get_template(file).render(**names).split(";\n"):
        given = {key: value for key, value in (bound or {}).items() if f":{key}" in statement}
        result = connection.execute(text(statement), given)
    assert result is not None  # a split has at least one part
    return result


def drop(connection: Connection, *names: str) -> None:
    """Drop scratch tables and views (`gate.<name>`) where they exist, views first: they stand on tables."""
    kinds = _scratch(connection)
    for name in sorted(names, key=lambda name: kinds.get(name) != "view"):
        if name in kinds:
            connection.execute(text(f"drop {kinds.pop(name)} {name}"))


def scratch_tables(connection: Connection) -> list[str]:
    """What stands in the scratch schema: leftovers of a run that was killed, if no run is going on."""
    return list(_scratch(connection))


def _scratch(connection: Connection) -> dict[str, str]:
    found = connection.execute(
        text("select table_name, table_type from information_schema.tables where table_schema = 'gate'")
    )
    return {f"gate.{name}": "view" if kind == "VIEW" else "table" for name, kind in found}
