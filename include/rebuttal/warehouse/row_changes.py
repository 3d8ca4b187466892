"""What a refresh changes in a table by person, told row by row: most rows that it makes again come out as they were.

Beside the rows made (`made_table`) three temporary tables of the refresh's connection say it, as long as it is open:
`gone_unit_<model>`, the units of which some row is another now or is no more; `went_<model>`, their rows as they stood;
`came_<model>`, their rows as they are, and rows that others got. Take out all rows of the former, put in the latter: so
it is done to the build, to the marts and to the copy that readers get, if only all three were the same before.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from sqlalchemy import Connection, text

from rebuttal.errors import AbortError

_DAY = re.compile(r"cast\((\w+_start) as (\w+)\)")
_COALESCED = re.compile(r"coalesce\((?:coalesce\()?(\w+(?:, \w+)*)\)?, ''\)")


@dataclass(frozen=True)
class RowChanges:
    """How many rows of a model went and came; what they are stands in the three tables."""

    model: str
    went_count: int
    came_count: int

    @property
    def units(self) -> str:
        return f"gone_unit_{self.model}"

    @property
    def went(self) -> str:
        return f"went_{self.model}"

    @property
    def came(self) -> str:
        return f"came_{self.model}"

    def apply(self, connection: Connection, table: str, unit: str) -> None:
        """Bring `table`, which was as the build was before the refresh, up to it; `unit` tells a row's unit.

        Raises AbortError when the table was another after all; what is still due then is compared as a whole next time.
        """
        run = connection.exec_driver_sql
        if self.went_count:
            count = 0
            for rows in _searches(unit, f"(SELECT unit_id FROM {self.units})"):
                deleted = run(f"DELETE FROM {table} WHERE {rows}")
                count += int(deleted.scalar_one()) if connection.dialect.name == "duckdb" else deleted.rowcount
            if count != self.went_count:
                raise AbortError(
                    f"{table} has {count} rows of what changed, and the build had {self.went_count}; readers have what"
                    " they had",
                    next_step="Run this again: it compares all of what changed",
                )
        if self.came_count:
            run(f"INSERT INTO {table} SELECT * FROM {self.came}")


def is_changed(unit: str) -> str:
    """A condition: that a row's `unit` is among `ops.changed_person`.

    A unit of credit is a long text of many columns, a day among the first two and the only one that may be NULL: it is
    put together only for rows of days that are in some changed unit.
    """
    among = f"{unit} IN (SELECT person_id FROM ops.changed_person)"
    found = _DAY.search(unit)
    if not found:
        return among
    long = "FROM ops.changed_person WHERE strpos(person_id, chr(31)) > 0"
    parts = " UNION ".join(f"SELECT split_part(person_id, chr(31), {place}) {long}" for place in (1, 2))
    return f"({found[1]} IS NULL OR cast({found[1]} AS {found[2]}) IN ({parts})) AND {among}"


def _searches(unit: str, units: str) -> list[str]:
    """Conditions that together mean `unit IN units`, no row in two: a search by one column is quicker than by two."""
    found = _COALESCED.fullmatch(unit)
    if not found:
        return [f"{unit} IN {units}"]
    columns = found[1].split(", ")
    absent = [" AND ".join(f"{column} IS NULL" for column in columns[:place]) for place in range(1, len(columns) + 1)]
    others = [*columns[1:], "''"]
    return [
        f"{columns[0]} IN {units}",
        *(f"{none} AND {one} IN {units}" for none, one in zip(absent, others, strict=True)),
    ]


def compare(connection: Connection, model: str, made: str, stood: str, unit: str, row_key: str) -> RowChanges:
    """Make the three tables from those of rows `made` and of rows that `stood` (with more columns before the model's).

    `unit` and `row_key` are SQL of a row's unit and of a hash of its columns. A row may be there several times.
    """
    run = connection.exec_driver_sql
    differing, told = f"differing_{model}", RowChanges(model, 0, 0)
    for name in (differing, told.units, told.went, told.came):
        run(f"DROP TABLE IF EXISTS {name}")
    run(
        f"CREATE TEMPORARY TABLE {differing} AS SELECT row_key FROM (SELECT row_key, -1 AS more FROM {stood}"
        f" UNION ALL SELECT {row_key}, 1 FROM {made}) AS row GROUP BY row_key HAVING sum(more) <> 0"
    )
    is_other = f"IN (SELECT row_key FROM {differing})"
    run(f"CREATE TEMPORARY TABLE {told.units} AS SELECT DISTINCT unit_id FROM {stood} WHERE row_key {is_other}")
    is_gone = f"IN (SELECT unit_id FROM {told.units})"
    run(f"CREATE TEMPORARY TABLE {told.went} AS SELECT * FROM {stood} WHERE unit_id {is_gone}")
    run(f"CREATE TEMPORARY TABLE {told.came} AS SELECT * FROM {made} WHERE {row_key} {is_other} OR {unit} {is_gone}")
    run(f"DROP TABLE {differing}")
    counted = f"SELECT (SELECT count(*) FROM {told.went}), (SELECT count(*) FROM {told.came})"
    went, came = run(counted).one()
    return RowChanges(model, int(went), int(came))


def changes_at_hand(connection: Connection) -> dict[str, RowChanges]:
    """Model -> its changes: none but right after a refresh that told them, while the warehouse stays open."""
    query = text(
        "SELECT table_name FROM information_schema.tables WHERE table_type = 'LOCAL TEMPORARY'"
        " AND table_name LIKE 'came!_%' ESCAPE '!'"
    )
    names = [str(name).removeprefix("came_") for name in connection.execute(query).scalars()]
    if not names:
        return {}
    counted = " UNION ALL ".join(
        f"SELECT '{name}', (SELECT count(*) FROM went_{name}), (SELECT count(*) FROM came_{name})" for name in names
    )
    return {str(name): RowChanges(name, went, came) for name, went, came in connection.exec_driver_sql(counted).all()}
