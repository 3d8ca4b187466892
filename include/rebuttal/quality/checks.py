"""What a check found, whether Great Expectations ran it over rows or we over the batch as a whole."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import Connection, delete, insert

from rebuttal.warehouse.batches import Batch
from rebuttal.warehouse.dialects import quoted
from rebuttal.warehouse.staging import Staged, narrowed
from rebuttal.warehouse.tables import check_result

_ADDRESS = re.compile(r"[^\s@=;,]+@[^\s@=;,]+")


@dataclass(frozen=True)
class Check:
    """One check of one batch. `severity`: quarantine (rows stay out), hold (the batch waits), warning (reported only).

    `examples` are at most three, without addresses of people; `query` finds the rows again later. A rule about rows has
    its `condition`: SQL that is true of the staged rows that break it.
    """

    name: str
    severity: str
    description: str
    next_step: str
    row_count: int
    failed_count: int
    examples: tuple[str, ...] = ()
    query: str | None = None
    condition: str | None = None

    @property
    def is_passed(self) -> bool:
        """Nothing failed."""
        return self.failed_count == 0

    def told(self) -> str:
        """One line: which check, how many, and an example."""
        example = f", such as {self.examples[0]}" if self.examples else ""
        return f"{self.name}: {self.failed_count} of {self.row_count}{example}"

    def with_examples(self, values: Iterable[str]) -> Check:
        """The same with up to three examples."""
        shown = tuple(_ADDRESS.sub("<address>", value)[:200] for value in values)[:3]
        return replace(self, examples=shown)

    def stored(self) -> dict[str, Any]:
        """What is kept of it, by column: all but its name."""
        return {
            "severity": self.severity,
            "description": self.description,
            "next_step": self.next_step,
            "is_passed": self.is_passed,
            "row_count": self.row_count,
            "failed_count": self.failed_count,
            "examples": json.dumps(self.examples, ensure_ascii=False) if self.examples else None,
            "query": self.query,
        }


def found_in_landing(connection: Connection, staged: Staged, checks: Iterable[Check]) -> list[Check]:
    """The same with queries that find the rows of a batch that is held: it is neither in core nor in quarantine."""
    batch = staged.batch
    raw = f"select distinct on (_row) * from {batch.landing} where _batch_id = {quoted(batch.batch_id)} and _row in"
    typed = narrowed(connection, staged, "true")
    return [
        replace(check, query=f"{raw} (select _row from {typed} as staged where {check.condition}) order by _row")
        if check.query and check.condition
        else check
        for check in checks
    ]


def record(connection: Connection, batch: Batch, checks: Iterable[Check]) -> None:
    """Write the results of a batch's checks, replacing those of an earlier look at it."""
    connection.execute(delete(check_result).where(check_result.c.batch_id == batch.batch_id))
    rows = [
        {"batch_id": batch.batch_id, "entity": batch.entity, "check_name": check.name, **check.stored()}
        for check in checks
    ]
    connection.execute(insert(check_result), rows)
