"""What an admission made of what landed: outcomes by batch, and every row that is stored."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sqlalchemy import select

from rebuttal.records import OUTCOMES
from rebuttal.settings import Settings
from rebuttal.warehouse import open_warehouse
from rebuttal.warehouse.accounting import account, recount
from rebuttal.warehouse.tables import metadata


def outcome(settings: Settings, batch_id: str) -> dict[str, int]:
    """The outcomes of a batch that are not zero."""
    return outcomes(settings, [batch_id])[0]


def outcomes(settings: Settings, batch_ids: Iterable[str]) -> list[dict[str, int]]:
    """The same of several batches; all rows are counted once."""
    with open_warehouse(settings) as engine:
        rows = account(engine)
        assert recount(engine) == []
    found = {one["batch_id"]: one for one in rows}
    assert len(found) == len(rows)
    return [{name: found[batch][name] for name in OUTCOMES if found[batch][name]} for batch in batch_ids]


def everything(settings: Settings) -> dict[str, list[Any]]:
    """All rows of all declared tables, as sorted text."""
    with open_warehouse(settings) as engine, engine.connect() as connection:
        return {
            str(table): sorted(str(tuple(found)) for found in connection.execute(select(table)))
            for table in metadata.sorted_tables
        }
