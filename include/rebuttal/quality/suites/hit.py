"""Hits: what was looked at and what was reached, one by one."""

from __future__ import annotations

from datetime import datetime

from rebuttal.quality.expectations import ExpectNoRowWhere, not_impossible, present, rows_as_promised, rule
from rebuttal.warehouse.entities import ENTITIES


def suite(latest: datetime) -> list[ExpectNoRowWhere]:
    """Rules for `hit`; nothing may lie after `latest` (UTC)."""
    return [
        *rows_as_promised(ENTITIES["hit"].key),
        present("occurred_at"),
        not_impossible("occurred_at", latest),
        rule(
            "has_visit",
            "visit_id is null",
            "The hit belongs to a visit",
            "Check whether the counter sends visit ids; the hit is admitted without one",
            severity="warning",
        ),
    ]
