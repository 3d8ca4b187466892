"""A deal's way through its stages."""

from __future__ import annotations

from datetime import datetime

from rebuttal.quality.expectations import ExpectNoRowWhere, not_impossible, rows_as_promised
from rebuttal.warehouse.entities import ENTITIES


def suite(latest: datetime) -> list[ExpectNoRowWhere]:
    """Rules for `stage_change`; nothing may lie after `latest` (UTC)."""
    return [*rows_as_promised(ENTITIES["stage_change"].key), not_impossible("changed_at", latest)]
