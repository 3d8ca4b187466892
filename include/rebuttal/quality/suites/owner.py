"""Members of the sales team."""

from __future__ import annotations

from datetime import datetime

from rebuttal.quality.expectations import ExpectNoRowWhere, not_impossible, rows_as_promised
from rebuttal.warehouse.entities import ENTITIES


def suite(latest: datetime) -> list[ExpectNoRowWhere]:
    """Rules for `owner`; nothing may lie after `latest` (UTC)."""
    return [*rows_as_promised(ENTITIES["owner"].key), not_impossible("updated_at", latest)]
