"""Companies in the CRM."""

from __future__ import annotations

from datetime import datetime

from rebuttal.quality.expectations import ExpectNoRowWhere, not_impossible, present, rows_as_promised
from rebuttal.warehouse.entities import ENTITIES


def suite(latest: datetime) -> list[ExpectNoRowWhere]:
    """Rules for `company`; nothing may lie after `latest` (UTC)."""
    return [
        *rows_as_promised(ENTITIES["company"].key),
        present("updated_at"),
        not_impossible("updated_at", latest),
        not_impossible("created_at", latest),
    ]
