"""Where every landed row ended, as it was recorded, and counted again from what is stored."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, Engine, select, text

from rebuttal.records import OUTCOMES
from rebuttal.warehouse import sql
from rebuttal.warehouse.entities import ENTITIES
from rebuttal.warehouse.tables import LANDING
from rebuttal.warehouse.tables import batch as batch_table


def account(engine: Engine) -> list[dict[str, Any]]:
    """One row per batch in the order of landing: source, stream, batch_id, status, landed, and the six outcomes.

    For an admitted batch the outcomes add up to `landed`. A batch that waits (landed, held) has none yet.
    """
    with engine.connect() as connection:
        return [dict(row) for row in sql.run_file(connection, "account.sql").mappings()]


def recount(engine: Engine) -> list[str]:
    """What does not add up, one line each; empty when all is well.

    Independent of the merge's own arithmetic: landed rows are counted in landing, quarantined and folded rows where
    they lie, and keys in core must be unique.
    """
    with engine.connect() as connection:
        rows = sql.run_file(connection, "recount.sql", landing=_landing_tables(connection)).mappings().all()
        wrong = [line for row in rows for line in _differences(dict(row))]
        return wrong + _repeated_keys(connection)


def _differences(row: dict[str, Any]) -> list[str]:
    name = f"batch {row['batch_id']}"
    if row["recorded_landed"] is None:
        return [f"{name} is admitted but has no outcome"]
    found = []
    if row["recorded_sum"] != row["recorded_landed"]:
        found.append(f"{name}: {' + '.join(OUTCOMES)} is {row['recorded_sum']}, landed is {row['recorded_landed']}")
    for what in ("landed", "deduplicated", "quarantined"):
        if row[what] != row[f"recorded_{what}"]:
            found.append(f"{name}: recorded {row[f'recorded_{what}']} {what}, stored {row[what]}")
    return found


def _repeated_keys(connection: Connection) -> list[str]:
    found = []
    for entity in ENTITIES.values():
        key = ", ".join(entity.full_key)
        query = f"select count(*) from (select 1 from core.{entity.name} group by {key} having count(*) > 1) as again"
        repeated = connection.execute(text(query)).scalar_one()
        if repeated:
            found.append(f"core.{entity.name} has {repeated} keys more than once")
    return found


def _landing_tables(connection: Connection) -> list[str]:
    admitted = select(batch_table.c.source, batch_table.c.stream).where(batch_table.c.status == "admitted").distinct()
    return sorted(f"{LANDING}.{source}__{stream}" for source, stream in connection.execute(admitted))
