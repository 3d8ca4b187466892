"""Finding the texts that people name: their words in core, and what the classifier said of them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.resources import files
from typing import Any

from sqlalchemy import Connection, inspect, text

from rebuttal.context import Context
from rebuttal.errors import StoreError
from rebuttal.objections.hearing import LONGEST_HEARD
from rebuttal.warehouse.engine import open_warehouse

TextKey = tuple[str, str, str, str]  # source_kind, source, account_id, source_id


@dataclass(frozen=True)
class Heard:
    """What is known of the named texts. `said`: the classifier's labels, status, confidence and version, by hash."""

    hashes: Mapping[TextKey | None, str] = field(default_factory=dict)
    bodies: Mapping[str, str] = field(default_factory=dict)
    said: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)


def look_up(context: Context, hashes: Sequence[str | None], keys: Sequence[TextKey | None]) -> Heard:
    """The texts of these hashes and keys; what nobody has heard is left out. Nothing is opened when none is named."""
    wanted, named = {one for one in hashes if one}, {one for one in keys if one}
    if not wanted and not named:
        return Heard()
    with open_warehouse(context.settings) as engine:
        if not inspect(engine).has_table("text_label", schema="marts"):
            raise StoreError("No text has been heard yet", next_step="Run `rebuttal listen` first")
        with engine.begin() as connection:
            by_key = _hashes(connection, named)
            wanted |= set(by_key.values())
            return Heard(by_key, bodies_of(connection, wanted), _said(connection, wanted))


def bodies_of(connection: Connection, hashes: Iterable[str]) -> dict[str, str]:
    """The words of core's texts by hash, cut to what is listened to; of texts that are gone, none."""
    with _Asked(connection, "asked_hash", ("text_hash",), [(one,) for one in sorted(hashes)]):
        rows = connection.execute(text(statement("asked_texts")), {"longest": LONGEST_HEARD}).all()
    return {row.text_hash: row.body for row in rows}


def _said(connection: Connection, hashes: Iterable[str]) -> dict[str, dict[str, Any]]:
    with _Asked(connection, "asked_hash", ("text_hash",), [(one,) for one in sorted(hashes)]):
        rows = connection.execute(text(statement("said_of"))).mappings().all()
    return {
        row["text_hash"]: {
            "labels": json.loads(row["labels"]),
            "status": row["status"],
            "confidence": float(row["confidence"]),
            "model": row["model"],
        }
        for row in rows
    }


def _hashes(connection: Connection, keys: Iterable[TextKey]) -> dict[TextKey | None, str]:
    names = ("source_kind", "source", "account_id", "source_id")
    with _Asked(connection, "asked_key", names, sorted(keys)):
        rows = connection.execute(text(statement("hashes"))).all()
    return {(row.source_kind, row.source, row.account_id, row.source_id): row.text_hash for row in rows}


class _Asked:
    """A temporary table of what is asked for, for the length of a `with`."""

    def __init__(
        self, connection: Connection, name: str, columns: Sequence[str], rows: Sequence[Sequence[str]]
    ) -> None:
        self.connection, self.name, self.columns, self.rows = connection, name, columns, rows

    def __enter__(self) -> None:
        declared = ", ".join(f"{column} text" for column in self.columns)
        self.connection.execute(text(f"CREATE TEMPORARY TABLE {self.name} ({declared})"))
        values = ", ".join(f":{column}" for column in self.columns)
        if self.rows:
            self.connection.execute(
                text(f"INSERT INTO {self.name} VALUES ({values})"),
                [dict(zip(self.columns, row, strict=True)) for row in self.rows],
            )

    def __exit__(self, *_: object) -> None:
        self.connection.execute(text(f"DROP TABLE {self.name}"))


def statement(name: str) -> str:
    """The text of `sql/<name>.sql`."""
    return files("rebuttal.objections").joinpath("sql", f"{name}.sql").read_text(encoding="utf-8")
