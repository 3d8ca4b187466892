"""Where every landed row ended, as it was recorded, and counted again from what is stored."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sqlalchemy import Connection, Engine, inspect, select

from rebuttal.errors import AccountingError
from rebuttal.records import OUTCOMES
from rebuttal.warehouse import sql
from rebuttal.warehouse.batches import ADMITTED, SUPERSEDED
from rebuttal.warehouse.entities import ENTITIES, Entity
from rebuttal.warehouse.tables import CORE, LANDING
from rebuttal.warehouse.tables import batch as batch_table

_SHOWN = 10  # lines of an error


def account(engine: Engine) -> list[dict[str, Any]]:
    """One row per batch in the order of landing: source, stream, batch_id, status, landed, and the six outcomes.

    `status` is landed (not judged yet), held (waits; nothing is merged), admitted, or superseded (was held; a later
    answer of the vendor stands in its place; nothing is merged). For the last two the outcomes add up to `landed`; a
    batch that waits has none.
    """
    with engine.connect() as connection:
        return [dict(row) for row in sql.run_file(connection, "account.sql").mappings()]


def verify(engine: Engine) -> int:
    """The recount as a guard: the number of batches, or AccountingError with what does not add up."""
    wrong = recount(engine)
    if wrong:
        more = f"; and {len(wrong) - _SHOWN} more" if len(wrong) > _SHOWN else ""
        raise AccountingError(
            f"The stored rows do not add up: {'; '.join(wrong[:_SHOWN])}{more}",
            next_step="Do not trust the marts of these sources until it is explained; the landing rows are still there",
        )
    return len(account(engine))


def recount(engine: Engine) -> list[str]:
    """What does not add up, one line each; empty when all is well.

    Independent of the merge's own arithmetic: landed, quarantined and folded rows are counted where they lie; every
    landed row of an admitted batch must be found by its key in core, every row of core in landing; what waits or was
    superseded must have left nothing in core.
    """
    with engine.connect() as connection:
        streams = [tuple(row) for row in connection.execute(select(*_STREAM).distinct().order_by(*_STREAM))]
        here = [found for found in streams if _has_landing(connection, *found)]
        lost = [found for found in streams if found not in here]
        tables = sorted(f"{LANDING}.{source}__{stream}" for source, stream, _ in here)
        rows = sql.run_file(connection, "recount.sql", landing=tables).mappings().all()
        return [
            *(f"{source}.{stream}: its landing table is missing" for source, stream, _ in lost),
            *(line for row in rows for line in _differences(dict(row))),
            *(line for found in here for line in _unfound(connection, *found)),
            *(line for entity in ENTITIES.values() for line in _misplaced(connection, entity)),
        ]


_STREAM = (batch_table.c.source, batch_table.c.stream, batch_table.c.entity)


def _has_landing(connection: Connection, source: str, stream: str, _entity: str) -> bool:
    return inspect(connection).has_table(f"{source}__{stream}", schema=LANDING)


def _differences(row: dict[str, Any]) -> Iterator[str]:
    name = f"batch {row['batch_id']}"
    if row["status"] not in (ADMITTED, SUPERSEDED):
        if row["recorded_landed"] is not None:
            yield f"{name} is {row['status']}, but has an outcome"
        for what in ("deduplicated", "quarantined"):
            if row[what]:
                yield f"{name} is {row['status']}, but {row[what]} rows of it are {what}"
        return
    if row["recorded_landed"] is None:
        yield f"{name} is {row['status']} but has no outcome"
        return
    if row["recorded_sum"] != row["recorded_landed"]:
        yield f"{name}: {' + '.join(OUTCOMES)} is {row['recorded_sum']}, landed is {row['recorded_landed']}"
    if row["recorded_landed"] != row["row_count"]:
        yield f"{name}: {row['row_count']} rows were pulled, but {row['recorded_landed']} recorded as landed"
    for what in ("landed", "deduplicated", "quarantined"):
        if row[what] != row[f"recorded_{what}"]:
            yield f"{name}: recorded {row[f'recorded_{what}']} {what}, stored {row[what]}"


def _unfound(connection: Connection, source: str, stream: str, entity: str) -> Iterator[str]:
    landing, core = f"{LANDING}.{source}__{stream}", _tables(ENTITIES[entity])
    found = sql.run_file(connection, "recount_stream.sql", landing=landing, core=core, source=source, stream=stream)
    for row in found.mappings():
        if row["unreached"] > row["suppressed"]:
            yield f"batch {row['batch_id']}: {row['unreached']} landed rows are neither in {core[0]} nor accounted for"
        if row["unfounded"]:
            yield f"batch {row['batch_id']}: {row['unfounded']} rows of {core[0]} have no admitted row in {landing}"


def _misplaced(connection: Connection, entity: Entity) -> Iterator[str]:
    found = sql.run_file(
        connection, "recount_entity.sql", core=_tables(entity), key=entity.full_key, entity=entity.name
    )
    row = found.mappings().one()
    if row["repeated"]:
        yield f"core.{entity.name} has {row['repeated']} keys more than once"
    if row["strangers"]:
        yield f"core.{entity.name} has {row['strangers']} rows of batches that were never admitted to it"
    if row["surplus"]:
        yield f"core.{entity.name} has not the rows that were recorded as new, in {row['surplus']} accounts"


def _tables(entity: Entity) -> list[str]:
    return [f"{CORE}.{entity.name}"] + ([f"{CORE}.{entity.name}_copy"] if entity.same_event else [])
