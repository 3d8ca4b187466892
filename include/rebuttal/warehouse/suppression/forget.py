"""Taking erased people out of the warehouse, in the caller's transaction."""

from __future__ import annotations

from sqlalchemy import Connection, insert, inspect, select, text

from rebuttal.warehouse.suppression.landed import Forgotten, Unit, forget_unit
from rebuttal.warehouse.suppression.names import NAMES
from rebuttal.warehouse.suppression.people import Suppressed
from rebuttal.warehouse.suppression.stored import forget_evidence, forget_memory
from rebuttal.warehouse.tables import LANDING, suppression
from rebuttal.warehouse.tables import batch as batch_table

__all__ = ["Forgotten", "forget", "mirror"]


def mirror(connection: Connection, hashes: frozenset[str]) -> bool:
    """Add `hashes` to the warehouse's list of the suppressed; True when some were not there yet."""
    known = set(connection.execute(select(suppression.c.identifier)).scalars())
    missing = sorted(hashes - known)
    if missing:
        connection.execute(insert(suppression), [{"identifier": one} for one in missing])
    return bool(missing)


def forget(connection: Connection, people: Suppressed, *, only_waiting: bool = False) -> Forgotten:
    """Empty every landed row that names one of `people`, and take what was made of it out of core, quarantine and
    evidence.

    `only_waiting`: look for them in batches that were not judged yet only. A second call finds nothing. Marts and the
    published copy follow with the next model run. Raises no error for a landing table that is missing.
    """
    found = Forgotten()
    if not people:
        return found
    columns = (batch_table.c.source, batch_table.c.stream, batch_table.c.entity, batch_table.c.account_id)
    asked = select(*columns).where(batch_table.c.entity.in_(NAMES)).distinct().order_by(*columns)
    if only_waiting:
        asked = asked.where(batch_table.c.status == "landed")
    tables = set(inspect(connection).get_table_names(schema=LANDING))
    for unit in [Unit(*row) for row in connection.execute(asked)]:
        if f"{unit.source}__{unit.stream}" in tables:
            forget_unit(connection, people, unit, found, only_waiting=only_waiting)
    if found:
        forget_evidence(connection, people)
        forget_memory(connection)
    _sweep(connection)
    return found


def _sweep(connection: Connection) -> None:
    for name in ("erased_hit", "erased_row"):
        connection.execute(text(f"drop table if exists {name}"))
