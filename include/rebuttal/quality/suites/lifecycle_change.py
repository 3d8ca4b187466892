"""A contact's way through the lifecycle."""

from __future__ import annotations

from datetime import datetime

from rebuttal.quality.expectations import ExpectNoRowWhere, known_word, not_impossible, rows_as_promised
from rebuttal.warehouse.entities import ENTITIES


def suite(latest: datetime) -> list[ExpectNoRowWhere]:
    """Rules for `lifecycle_change`; nothing may lie after `latest` (UTC)."""
    return [
        *rows_as_promised(ENTITIES["lifecycle_change"].key),
        not_impossible("changed_at", latest),
        *known_word("lifecycle_stage"),
    ]
